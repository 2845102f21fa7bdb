"""A stand-in for GitHub: the operations of `../openapi/github.json` with state behind them, and a queue of jobs.

    python -m github_server --port 8080 --repository acme/app --organisation acme --token-file token

Needs Python 3.11 and jsonschema, nothing else; the folder works wherever it is copied to, with the slice given by
`--openapi` or beside it. README.md lists what `/_control` and `/_runner` take.
"""
