"""A client whose own Hello is carried out late, by a node that was frozen: nobody else has replaced its session."""

from imchat.domain.errors import SessionReplaced
from imchat.wire import imchat_pb2 as pb
from imchat.wire.imchat_pb2 import Frame
from tests.fakes.client_world import ClientCase


class LateHello(ClientCase):
    def ends(self, user):
        self.world.run(120)
        (failure,) = user.closed
        self.assertIsInstance(failure.value, SessionReplaced)
        self.assertEqual(len(self.server.hellos), 1)

    def replace(self):
        peer = self.server.peer(1)
        peer.send(Frame(goodbye=pb.Goodbye(code="replaced", message="why")))
        peer.flush()
        peer.close()

    def first_hello(self, trouble):
        """Let something happen to the first Hello, and none to those that follow."""
        troubles = [trouble]
        self.server.intercept = lambda peer, frame: frame.HasField("hello") and troubles and troubles.pop()(peer, frame)

    def test_replaced_by_an_own_hello_that_a_frozen_node_carried_out_late_it_comes_back_once(self):
        troubles = {
            "no answer": lambda peer, frame: True,
            "cut": lambda peer, frame: peer.abort() or True,
            "unavailable": lambda peer, frame: peer.refuse(frame, "unavailable") or True,
        }
        for name, trouble in troubles.items():
            with self.subTest(name):
                self.first_hello(trouble)
                user = self.user()
                self.world.run(60)
                self.server.hellos.clear()
                self.replace()
                self.world.run(60)
                self.assertEqual((len(self.server.hellos), user.closed), (1, []))
                self.replace()
                self.ends(user)

    def test_so_it_does_where_an_earlier_run_may_have_said_the_hello(self):
        store = self.live().store
        self.users.pop().client.stop()
        self.world.run(10)
        user = self.live(store=store)
        self.server.hellos.clear()
        self.replace()
        self.world.run(60)
        self.assertEqual((len(self.server.hellos), user.closed), (1, []))
        self.replace()
        self.ends(user)

    def test_after_a_while_no_late_hello_explains_that_another_replaced_it(self):
        self.first_hello(lambda peer, frame: True)
        user = self.user()
        self.world.run(2 * 3600)
        self.server.hellos[1:] = []
        self.replace()
        self.ends(user)
