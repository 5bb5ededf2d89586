"""What members offer: services, and checks that say how those are.

    bound       how large anything may be, and texts off the wire
    check       Check: a check of a member as it stands, with CheckStatus and CheckKind
    service     Service: a service of a member as it stands
    key         under which key each is told

Services and checks travel as facts, a key and a value each, signed by the member that has them
(`protocol.wire.fact`). The id is in the key alone.
"""
