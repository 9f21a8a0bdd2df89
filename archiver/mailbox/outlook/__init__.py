"""Items of Outlook (.msg, .pst, .ost), put together as messages in a process of their own."""
