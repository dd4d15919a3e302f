"""Commands about people, conversations, devices and one's own data, as people and scripts use them."""

import json

from imchat.wire import imchat_pb2 as pb
from tests.fakes.client_people import FakePeople
from tests.fakes.terminal_case import CliCase


class PeopleCase(CliCase):
    def setUp(self):
        super().setUp()
        self.people = FakePeople(self.server)
        self.login()


class People(PeopleCase):
    def test_the_profile_is_shown_and_changed(self):
        self.assertEqual(self.ok("profile").out, "user id: 1\nname: alice\ngender: unspecified\nemail: 1@x.test\n")
        command = self.ok(
            "profile", "--nickname", "Al", "--gender", "female", "--receipts-off", "--no-hidden-from-search", "--json"
        )
        (profile,) = command.json
        self.assertEqual((profile["nickname"], profile["gender"]), ("Al", "female"))
        self.assertEqual(
            profile["settings"], {"hidden_from_search": False, "presence_hidden": False, "receipts_off": True}
        )
        self.assertIn("settings: receipts off\n", self.ok("profile").out)

    def test_a_name_cannot_turn_the_line_that_shows_it(self):
        self.ok("profile", "--nickname", "a\u202eb\nc")
        self.assertIn("nickname: a\ufffdb c\n", self.ok("profile").out)

    def test_search(self):
        self.server.users.update({n: f"dora{n}" for n in range(10, 16)})
        self.assertEqual(self.ok("search", "dora", "--limit", "3").out, "10 dora10\n11 dora11\n12 dora12\n")
        self.assertEqual([p["name"] for p in self.ok("search", "bo", "--json").json], ["bob"])
        self.assertIn("nobody found", self.nothing("search", "nobody"))

    def test_contacts_from_a_request_to_a_block(self):
        self.people.ask(1, 2, "it is\nme")
        self.assertRegex(self.ok("contacts", "requests").out, r"^[-0-9]+ [:0-9]+ pending from bob: it is me\n$")
        self.assertEqual(self.ok("contacts", "accept", "bob", "--remark", "Bobby").out, "bob: accepted\n")
        self.assertIn("no contact requests that wait", self.nothing("contacts", "requests"))
        (answered,) = self.ok("contacts", "requests", "--all", "--json").json
        self.assertEqual((answered["state"], answered["incoming"], answered["name"]), ("accepted", True, "bob"))
        self.ok("contacts", "star", "bob")
        self.ok("contacts", "label", "bob", "work", "chess")
        self.assertEqual(self.ok("contacts").out, 'bob "Bobby" [work] [chess] starred\n')
        self.ok("contacts", "star", "bob", "--off")
        self.ok("contacts", "remark", "bob")
        self.ok("contacts", "label", "bob")
        self.ok("contacts", "block", "bob")
        self.assertEqual(self.ok("contacts", "list").out, "bob blocked\n")
        self.ok("contacts", "remove", "bob")
        (contact,) = self.ok("contacts", "--json").json
        self.assertEqual((contact["is_contact"], contact["blocked"]), (False, True))
        self.ok("contacts", "unblock", "bob")
        self.assertIn("contacts add NAME", self.nothing("contacts"))

    def test_asking_declining_ignoring(self):
        self.assertEqual(self.ok("contacts", "add", "carol", "--greeting", "hi", "--remark", "C").out, "carol: asked\n")
        (request,) = self.people.asked("request_contact")
        self.assertEqual((request.user_id, request.greeting, request.remark), (3, "hi", "C"))
        self.people.ask(1, 2, "")
        self.assertEqual(self.ok("contacts", "decline", "bob").out, "bob: declined\n")
        self.people.ask(1, 3, "")
        self.assertEqual(self.ok("contacts", "ignore", "carol").out, "carol: ignored\n")

    def test_whom_one_has_and_who_removed_one_is_asked_and_no_contact_yet(self):
        self.people.befriend(1, 2)
        self.assertEqual(self.ok("contacts", "add", "bob").out, "bob: asked\n")

    def test_whoever_asked_is_a_contact_at_once(self):
        self.people.ask(1, 2, "")
        self.assertEqual(self.ok("contacts", "add", "bob").out, "bob: you are contacts\n")

    def test_people_are_named_by_their_ids_too(self):
        self.server.nicknames[2] = "Bobby"
        (contact,) = self.ok("contacts", "block", "2", "--json").json
        self.assertEqual((contact["user_id"], contact["name"], contact["nickname"]), (2, "bob", "Bobby"))
        (contact,) = self.ok("contacts", "unblock", "bob", "--json").json
        self.assertEqual((contact["name"], contact["nickname"], contact["blocked"]), ("bob", "Bobby", False))
        for nobody in ("77", "0", "9" * 30):
            self.assertIn(nobody, self.refused(1, "contacts", "remove", nobody))

    def test_an_account_that_is_gone_is_said_to_be(self):
        self.people.befriend(1, 2)
        self.people.gone.add(2)
        self.assertEqual(self.ok("contacts").out, "bob account deleted\n")

    def test_who_is_there(self):
        self.server.users.update({n: f"dora{n}" for n in range(100, 230)})
        for other in (2, 3, *range(100, 230)):
            self.people.befriend(1, other)
        self.people.online = {3, 229}
        self.people.seen = {2: 86_400_000}
        lines = self.ok("contacts", "online").out.splitlines()
        self.assertEqual(lines, ["carol: online (linux)", "dora229: online (linux)"])
        lines = self.ok("contacts", "online", "--all").out.splitlines()
        self.assertRegex(lines[0], r"^bob: offline, last seen 1970-01-0\d ")
        self.assertEqual((lines[1:3], len(lines)), (["carol: online (linux)", "dora100: offline"], 132))
        (carol, _) = self.ok("contacts", "online", "--json").json
        self.people.online = set()
        self.assertIn("none of your contacts", self.nothing("contacts", "online"))
        expected = {"user_id": 3, "name": "carol", "state": "online", "platforms": ["linux"], "last_seen_ms": 0}
        self.assertEqual(carol, carol | expected)

    def test_whoever_is_not_there_or_did_not_ask(self):
        self.assertIn("nobody", self.refused(1, "contacts", "add", "nobody"))
        self.assertIn("not_found", self.refused(1, "contacts", "accept", "bob"))

    def test_no_chat_node(self):
        self.server.down = set(self.fake.gate.nodes)
        for command in (("profile",), ("contacts", "list"), ("conversations",), ("devices", "list"), ("export", "x")):
            self.assertIn("5 s", self.refused(3, *command, "--timeout", "5"))


class Conversations(PeopleCase):
    def test_the_list_with_what_is_unread(self):
        self.server.say(self.talk, 2, "hello\nworld")
        self.fake.run(1)
        other = self.server.direct(1, 3)
        self.server.say(other, 3, "x" * 200)
        self.people.states[1, self.talk] = pb.ConversationState(pinned_ms=1, muted=True)
        lines = self.ok("conversations").out.splitlines()
        self.assertRegex(lines[0], rf"^[-0-9]+ [:0-9]+ #{other} carol \[1 unread\]: x{{60}}$")
        self.assertRegex(lines[1], rf"#{self.talk} bob \[1 unread, pinned, muted\]: hello world$")
        (line,) = self.ok("conversations", "--limit", "1", "--json").json
        self.assertEqual((line["title"], line["unread"], line["kind"]), ("carol", 1, "direct"))
        self.ok("conversations", "--pinned", "--hidden")
        asked = self.people.asked("list_conversations")[-1]
        self.assertEqual((asked.pinned, asked.hidden), (True, True))

    def test_acts_by_number_and_how_history_and_listen_show_them(self):
        listening = self.terminal.start("listen", "--own", "--numbers")
        for text in ("one", "two", "three"):
            self.ok("send", "bob", text)
        self.assertEqual(self.ok("edit", "bob", "1", "uno", "due").out, "message 1: edited\n")
        self.assertEqual(self.ok("recall", f"#{self.talk}", "2").out, "message 2: recalled\n")
        self.assertEqual(self.ok("react", "bob", "3", "👍").out, "message 3: gave 👍\n")
        self.assertEqual(self.ok("react", "bob", "3", "👍", "--remove", "--json").json[0]["target"], 3)
        self.fake.run(5)
        shown = [line.split(" ", 2)[2] for line in listening.out.splitlines()]
        self.assertEqual(shown[3:], [
            "4 alice edited 1: uno due", "5 alice recalled 2", "6 alice gave 3 👍", "7 alice took 👍 from 3"
        ])  # fmt: skip
        history = [line.split(" ", 2)[2] for line in self.ok("history", "bob", "--numbers").out.splitlines()]
        self.assertEqual(history, ["1 alice: uno due (edited)", "2 alice: [recalled]", "3 alice: three"])

    def test_what_cannot_be_done_is_one_line(self):
        self.server.say(self.talk, 2, "theirs")
        self.assertIn("message 1 is gone, or older than the 2 minutes", self.refused(1, "recall", "bob", "1"))
        self.assertIn("with 'bob' has no message 9 for this", self.refused(1, "react", "bob", "9", "x"))
        self.assertIn(", or it has no message 9 for this", self.refused(1, "react", f"#{self.talk}", "9", "x"))
        self.assertIn("conversation #77", self.refused(1, "edit", "#77", "1", "x"))
        self.assertIn("blank", self.refused(1, "edit", "bob", "1", " "))

    def test_history_shows_reactions_quotes_and_the_servers_lines(self):
        self.server.append(self.talk, 0, pb.Content(system_line=pb.SystemLine(code="contacts_made", user_ids=[1, 2])))
        first = self.server.say(self.talk, 2, "question")
        first.reactions.add(emoji="👍", count=2, own=True)
        reply = self.server.append(self.talk, 1, pb.Content(text=pb.Text(text="answer"), reply_to=2))
        reply.quote.CopyFrom(first)
        self.server.append(self.talk, 2, pb.Content(location=pb.Location(latitude=1, longitude=2, name="here")))
        self.server.append(self.talk, 0, pb.Content(system_line=pb.SystemLine(code="new\u202e", user_ids=[2])))
        shown = [line[20:] for line in self.ok("history", "bob").out.splitlines()]
        self.assertEqual(shown[:3], ["* alice and bob are contacts now", "bob: question [👍 2]", "alice: > question"])
        self.assertEqual(shown[4:], ["bob: [here 1.00000, 2.00000]", "* new\ufffd bob"])
        told = self.ok("history", "bob", "--format", "json").json
        self.assertEqual(told[1]["reactions"], [{"emoji": "👍", "count": 2, "own": True}])
        self.assertEqual((told[2]["quote"]["text"], told[2]["content"]["reply_to"]), ("question", 2))
        self.assertEqual([m["kind"] for m in told], ["system_line", "text", "text", "location", "system_line"])

    def test_history_by_date(self):
        for n in range(6):
            self.server.say(self.talk, 2, str(n))
            self.fake.run(86_400)
        # The clock began at a million seconds, in the twelfth day of 1970.
        command = self.ok("history", "bob", "--since", "1970-01-13T12:00+00:00", "--until", "1970-01-16T12:00+00:00",
                          "--json")  # fmt: skip
        self.assertEqual([m["text"] for m in command.json], ["1", "2", "3"])
        self.assertEqual(
            [m["text"] for m in self.ok("history", "bob", "--since", "1970-01-16", "--json").json], ["4", "5"]
        )

    def test_acts_are_not_counted_by_listen(self):
        self.login("bob", "--profile", "b")
        command = self.terminal.start("--profile", "b", "listen", "--count", "2", "--json")
        self.fake.run(1)
        self.ok("send", "bob", "one")
        self.ok("react", "bob", "1", "x")
        self.ok("send", "bob", "two")
        self.fake.run(5)
        self.assertEqual(command.code, 0)
        self.assertEqual([(m["kind"], m["text"]) for m in command.json], [
            ("text", "one"), ("reacted", None), ("text", "two")
        ])  # fmt: skip


class Safety(PeopleCase):
    def test_devices_are_listed_and_ended(self):
        lines = self.ok("devices").out.splitlines()
        self.assertRegex(lines[0], r"^here laptop \(linux\): since .* from 10\.0\.0\.1 \(this command\)$")
        self.assertEqual([d["current"] for d in self.ok("devices", "list", "--json").json], [True, False])
        self.assertEqual(self.ok("devices", "end", "there").out, "there: ended\n")
        self.assertIn("no device elsewhere", self.refused(1, "devices", "end", "elsewhere"))

    def test_ending_the_others_spares_both_devices_of_the_profile(self):
        mine = [body["device_id"] for body in self.terminal.gate.bodies[-2:]]
        self.people.sessions += [pb.SessionInfo(device_id=device_id) for device_id in mine]
        self.assertEqual(self.ok("devices", "end-others").out, "2 ended\n")
        self.assertEqual(list(self.people.asked("end_sessions")[-1].device_ids), ["here", "there"])

    def test_more_others_than_one_request_ends(self):
        self.people.sessions = [pb.SessionInfo(device_id=f"{number}") for number in range(201)]
        self.assertEqual(self.ok("devices", "end-others").out, "201 ended\n")
        sizes = [len(request.device_ids) for request in self.people.asked("end_sessions")]
        self.assertEqual((max(sizes) <= 100, sum(sizes)), (True, 201))

    def test_the_password_is_asked_for_and_changed(self):
        self.terminal.answers.extend(["correct horse", "battery staple", "battery staple"])
        self.assertEqual(self.ok("password").out, "the password is changed\n")
        self.assertEqual(self.terminal.gate.password, "battery staple")
        self.ok("whoami")

    def test_the_password_from_a_script(self):
        self.ok("password", "--password-stdin", stdin="correct horse\nbattery staple\n")
        self.refused(2, "password", "--password-stdin", stdin="battery staple\n")
        self.assertIn("bad_cred", self.refused(1, "password", "--password-stdin", stdin="wrong\nanother one\n"))
        self.assertEqual(self.terminal.gate.password, "battery staple")

    def test_two_new_passwords_that_differ(self):
        self.terminal.answers.extend(["correct horse", "one", "two"])
        self.assertIn("differ", self.refused(2, "password"))
        self.assertEqual(self.terminal.gate.password, "correct horse")

    def test_a_device_whose_session_the_new_password_ended_logs_in_again(self):
        gate = self.terminal.gate
        gate.ends_on_change = True
        before = [body["device_id"] for body in gate.bodies if "device_id" in body]
        self.ok("password", "--password-stdin", stdin="correct horse\nbattery staple\n")
        after = [body["device_id"] for body in gate.bodies if "device_id" in body]
        # Both devices have one token here, so that the first login is enough.
        self.assertEqual(after, [*before, before[0]])
        self.ok("profile")

    def test_deleting_the_account_needs_its_name_and_its_password(self):
        self.terminal.answers.extend(["bob"])
        self.assertIn("nothing was deleted", self.refused(2, "delete-account"))
        self.terminal.answers.extend(["alice", "wrong"])
        self.assertIn("bad_cred", self.refused(1, "delete-account"))
        self.ok("whoami")
        self.terminal.answers.extend(["alice", "correct horse"])
        self.assertEqual(self.ok("delete-account").out, "the account alice is deleted\n")
        self.refused(4, "whoami")

    def test_deleting_from_a_script(self):
        self.ok("delete-account", "--yes", "--password-stdin", stdin="correct horse\n")
        self.assertEqual(self.terminal.gate.bodies[-1], {"password": "correct horse"})


class Exporting(PeopleCase):
    def test_everything_is_in_a_file_that_others_cannot_read(self):
        self.people.befriend(1, 2, remark="B")
        self.people.ask(1, 3, "hi")
        for n in range(120):
            self.server.say(self.talk, 2, str(n))
        self.server.append(self.server.direct(1, 3), 3, pb.Content(custom=pb.Custom(media_type="a/b", data=b"\xff")))
        file = self.directory / "all.json"
        command = self.terminal.run("export", str(file))
        self.assertEqual((command.code, command.out), (0, "121 messages exported\n"))
        self.assertIn("imchat: 2 of 2 conversations, 121 messages\n", command.err)
        self.assertEqual(file.stat().st_mode & 0o777, 0o600)
        value = json.loads(file.read_text("utf-8"))
        self.assertEqual(value["profile"]["email"], "1@x.test")
        self.assertEqual([c["remark"] for c in value["contacts"]], ["B"])
        self.assertEqual([r["greeting"] for r in value["requests"]], ["hi"])
        self.assertEqual(len(value["conversations"]), 2)
        texts = [m["text"] for m in value["messages"] if m["conversation_id"] == self.talk]
        self.assertEqual(texts, [str(n) for n in range(120)])
        self.assertIn("/w==", [m["content"].get("data") for m in value["messages"]])

    def test_what_breaks_off_leaves_no_file_and_spoils_no_older_one(self):
        file = self.directory / "all.json"
        file.write_text("older")
        self.server.intercept = lambda peer, frame: (
            frame.HasField("list_contacts") and (peer.refuse(frame, "internal") or True)
        )
        self.assertEqual(self.terminal.run("export", str(file)).code, 1)
        self.assertEqual(file.read_text(), "older")
        self.assertEqual([p.name for p in self.directory.iterdir() if "all" in p.name], ["all.json"])

    def test_a_place_where_no_file_can_be(self):
        self.assertIn("all.json.new: No such", self.refused(1, "export", str(self.directory / "nowhere" / "all.json")))
