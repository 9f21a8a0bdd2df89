"""OAuth2 for mailboxes: log in once in a browser, then renew (RFC 6749, 7636, 8252, 8628).

This speaks HTTP through a function that is handed in, keeps nothing itself (``tokens.Store`` does,
outside the archive) and has no client id of its own: whose application asks stands in the settings.
"""
