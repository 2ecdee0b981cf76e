"""`python -m zsn2m_deploy`: the command line."""

from zsn2m_deploy.cli import main

if __name__ == "__main__":
    main()
