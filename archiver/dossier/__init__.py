"""What is handed over: exhibits, their chronology, and a bag that anyone can check."""
