"""Checks that this node runs: what is to be asked, when, and what the answers come to.

definition  CheckDefinition: how a check is run, as it was registered
outcome     Outcome: what one run came to
schedule    Schedule: names with the times at which they are due
runner      CheckRunner: runs checks in their intervals, a bounded number at once
perform     one run of any kind
http, tcp, script, docker   one run of that kind; exchange is the HTTP that two of them speak
ttl         checks whose owner must say in time how it is
reaper      services that were critical for too long go
"""
