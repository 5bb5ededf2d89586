"""The HTTP façade: one app per dialect over a view that the node satisfies.

Reading order: `view` (what a node offers here), `access` (tokens), `guard` (Host, Origin, body and
request limits), `duration` and `query` (what clients write into URLs), `answer` and `exposition` (bytes out),
`nomad/` (Nomad's agent API), `native/` (our own routes), `app` (the apps), `server` and
`connection` (listening).

Nothing here imports `node`; `node/agent.py` joins the two.
"""
