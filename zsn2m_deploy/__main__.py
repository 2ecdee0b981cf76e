"""`python -m zsn2m_deploy`: the command line."""

from zsn2m_deploy.cli import run

if __name__ == "__main__":
    run()
