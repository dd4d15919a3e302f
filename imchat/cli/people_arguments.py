"""The part of the command line that is about people and conversations."""

from __future__ import annotations

import argparse
from pathlib import Path

from imchat.cli import conversations, devices, export, forwarding, people, presence, states
from imchat.cli.syntax import Commands, conversation, password_stdin, positive
from imchat.domain.profiles import MAX_NICKNAME, MAX_REGION, MAX_SIGNATURE


def add_acts(commands: Commands) -> None:
    """Commands about conversations and messages."""
    text = "show conversations, newest first, with what is unread; and pin, mute, hide, mark as read, delete"
    own = commands.family("conversations", text, conversations.conversations, _listed)
    _listed(own.asking("list", "show conversations, newest first, with what is unread", conversations.conversations))
    _add_states(own)
    conversation(own.asking("receipts", "show how far the others have received and read", states.receipts))
    forward = commands.asking("forward", "pass a message on, and print its new number", forwarding.forward)
    _message(forward)
    forward.add_argument("to", metavar="TO", help="where to: a user, or # and the number of a conversation")
    recall = commands.asking("recall", "take back a message of one's own", conversations.recall)
    _message(recall)
    edit = commands.asking("edit", "change the text of a message of one's own", conversations.edit)
    _message(edit)
    edit.add_argument("text", nargs="+", metavar="TEXT", help="what is to stand there")
    react = commands.asking("react", "react to a message with an emoji", conversations.react)
    _message(react)
    react.add_argument("emoji", metavar="EMOJI", help="one, such as 👍")
    react.add_argument("--remove", action="store_true", help="take the reaction away")


def _listed(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--limit", metavar="N", type=positive, default=50, help="how many (default: 50)")
    parser.add_argument("--pinned", action="store_true", help="only those that are pinned")
    parser.add_argument("--hidden", action="store_true", help="also those that are hidden until the next message")


def _add_states(own: Commands) -> None:
    for name, text, command in (
        ("pin", "pin a conversation", states.pin),
        ("mute", "mute a conversation", states.mute),
        ("hide", "leave a conversation out of the list until its next message", states.hide),
    ):
        parser = own.asking(name, text, command)
        conversation(parser)
        parser.add_argument("--off", action="store_true", help="no longer")
    read = own.asking("read", "mark a conversation as read", states.read)
    conversation(read)
    read.add_argument("seq", metavar="SEQ", nargs="?", type=positive, help="up to this message (none: all)")
    delete = own.asking("delete", "delete messages for oneself; others keep them", states.delete)
    conversation(delete)
    delete.add_argument("seqs", metavar="SEQ", nargs="*", type=positive, help="their numbers (history --numbers)")
    delete.add_argument("--all", action="store_true", help="everything that was said so far")


def _message(parser: argparse.ArgumentParser) -> None:
    conversation(parser)
    parser.add_argument("seq", metavar="SEQ", type=positive, help="number of the message (history --numbers)")


def add_people(commands: Commands) -> None:
    """Commands about people and the account."""
    _add_profile(commands)
    search = commands.asking("search", "find people by id, name, or the beginning of a name", people.search)
    search.add_argument("query", metavar="QUERY", help="2 characters or more; 1 in Chinese, Japanese or Korean")
    search.add_argument("--limit", metavar="N", type=positive, default=50, help="how many (default: 50)")
    _add_contacts(commands.family("contacts", "list and change contacts", people.contacts))
    own = commands.family(
        "devices",
        "list and end one's sessions (each profile has two: one listens, -send does the rest)",
        devices.devices,
    )
    own.asking("list", "show where the account is logged in", devices.devices)
    end = own.asking("end", "end the session of a device", devices.end)
    end.add_argument("device_id", metavar="ID", help="the first word of its line in the list")
    own.asking("end-others", "end all sessions but those of this profile", devices.end_others)
    password = commands.add("password", "change the password", devices.password)
    password.add_argument(
        "--password-stdin", action="store_true", help="read the old and the new password, a line each"
    )
    delete = commands.add("delete-account", "delete the account for good", devices.delete_account)
    delete.add_argument("--yes", action="store_true", help="do not ask for the account's name")
    password_stdin(delete)
    exported = commands.asking("export", "write all that is one's own to a file", export.export)
    exported.add_argument(
        "file", metavar="FILE", type=Path, help="JSON that only you can read; replaced when it is whole"
    )


def _add_profile(commands: Commands) -> None:
    profile = commands.asking("profile", "show and change one's own profile", people.profile)
    for name, text in (
        ("nickname", f"at most {MAX_NICKNAME} characters; '': none"),
        ("signature", f"at most {MAX_SIGNATURE} characters"),
        ("region", f"at most {MAX_REGION} characters"),
        ("avatar", "reference of a picture"),
    ):
        profile.add_argument(f"--{name}", metavar="TEXT", help=text)
    profile.add_argument("--gender", choices=people.GENDERS, help="what others see of it")
    for name, text in (
        ("hidden-from-search", "not to be found by others' search"),
        ("presence-hidden", "not to show contacts whether one is online"),
        ("receipts-off", "not to tell what one has read, nor to be told of others"),
    ):
        profile.add_argument(f"--{name}", action=argparse.BooleanOptionalAction, help=text)


def _add_contacts(contacts: Commands) -> None:
    contacts.asking("list", "show contacts and those who are blocked", people.contacts)
    requests = contacts.asking("requests", "show contact requests that are pending", people.contact_requests)
    requests.add_argument("--all", action="store_true", help="also those that are answered or expired")
    online = contacts.asking("online", "show which contacts are there", presence.online)
    online.add_argument("--all", action="store_true", help="also those who are offline, and when they were last seen")
    add = contacts.asking("add", "ask somebody to become contacts", people.add)
    accept = contacts.asking("accept", "accept a request", people.accept)
    star = contacts.asking("star", "star a contact", people.star)
    remark = contacts.asking("remark", "note what one calls a contact", people.remark)
    label = contacts.asking("label", "replace a contact's labels", people.label)
    plain = [
        contacts.asking("decline", "decline a request", people.decline),
        contacts.asking("ignore", "leave a request without an answer", people.ignore),
        contacts.asking("remove", "take a contact out of the list", people.remove),
        contacts.asking("block", "block somebody", people.block),
        contacts.asking("unblock", "block somebody no more", people.unblock),
    ]
    for parser in (add, accept, star, remark, label, *plain):
        parser.add_argument("name", metavar="NAME_OR_ID", help="the name, in any case, or the number that search shows")
    add.add_argument("--greeting", metavar="TEXT", default="", help="what they are told")
    for parser in (add, accept):
        parser.add_argument("--remark", metavar="TEXT", default="", help="what one calls them oneself")
    star.add_argument("--off", action="store_true", help="no longer")
    remark.add_argument("text", nargs="*", metavar="TEXT", help="none: no remark")
    label.add_argument("labels", nargs="*", metavar="LABEL", help="none: no labels")
