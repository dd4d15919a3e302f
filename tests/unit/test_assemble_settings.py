"""From the configuration to the settings of the parts."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imchat.assemble.settings import chat_settings
from imchat.config import ConfigError, load
from imchat.domain.limits import Limit
from imchat.domain.permissions import ContactsPolicy


class ContactsTests(SynchronousTestCase):
    def test_by_default_only_contacts_talk_directly(self) -> None:
        settings = chat_settings(load(environment={}))
        self.assertEqual(ContactsPolicy.REQUIRED, settings.contacts)
        self.assertEqual(Limit(50, 86_400_000), settings.contact_requests)

    def test_an_operator_opens_it(self) -> None:
        given = {"IMCHAT_CHAT__CONTACTS": "open", "IMCHAT_CHAT__CONTACT_REQUESTS_PER_DAY": "7"}
        settings = chat_settings(load(environment=given))
        self.assertEqual(ContactsPolicy.OPEN, settings.contacts)
        self.assertEqual(Limit(7, 86_400_000), settings.contact_requests)

    def test_how_long_the_users_of_a_killed_node_seem_to_be_there_is_the_operators_choice(self) -> None:
        self.assertEqual(30, chat_settings(load(environment={})).presence_refresh)
        given = {"IMCHAT_CHAT__PRESENCE_REFRESH": "10"}
        self.assertEqual(10, chat_settings(load(environment=given)).presence_refresh)

    def test_there_is_nothing_in_between(self) -> None:
        self.assertRaises(ConfigError, load, environment={"IMCHAT_CHAT__CONTACTS": "some"})
