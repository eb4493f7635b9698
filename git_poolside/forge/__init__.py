"""The far side: GitHub's REST interface over HTTPS, and the tokens it is asked with."""
