"""Who may speak: identities, cluster keys, sealed datagrams and streams. Pure; keys and entropy come in.

Read in this order:

    aead       the one cipher under every seal
    identity   Ed25519 key, the id that commits to it, signing of statements
    verifier   which statements are genuine, and the memory of those that were
    keyring    the cluster's keys as a state that merges; key_file writes them as text
    replay     window over a sender's counter
    pair       keys and window for one peer
    opening    what becomes of a datagram that came
    budget     how many newcomers a second; mute: who is not heard for a while
    datagram   the gate every datagram passes: sealed pairs, introductions, mutes
    hello      the first two frames of a stream
    handshake  two machines that prove both sides and agree on session keys, by the
               tables of handshake_state; handshake_failure says how it can end
    channel    sealed frames after it
    signing_key  a key that belongs to no member, as text: an issuer's, or an operator's
    license    how many members, and until when; utc_time is how its file writes times
"""
