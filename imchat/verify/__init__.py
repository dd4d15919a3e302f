"""The verify server: makes verification codes, mails them and checks them."""
