"""How do I know it worked without a clean image? report.html for people, report.json with the same facts."""
