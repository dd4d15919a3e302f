from twisted.trial.unittest import SynchronousTestCase

from imchat.domain.models import MAX_ID
from imchat.net.ids import SecureIds
from tests.fakes.ids import SeededIds


class IdsTests(SynchronousTestCase):
    """What every source of randomness keeps to."""

    def test_shapes(self):
        for ids in (SecureIds(), SeededIds(7)):
            for _ in range(200):
                self.assertTrue(1 <= ids.new_id() <= MAX_ID)
                self.assertEqual(len(ids.token()), 32)
                self.assertEqual(len(ids.client_id()), 16)
                self.assertRegex(ids.digits(6), r"\A[0-9]{6}\Z")
                self.assertTrue(0 <= ids.fraction() < 1)

    def test_digits_keep_leading_zeros(self):
        ids = SecureIds()
        codes = [ids.digits(2) for _ in range(1_000)]
        self.assertTrue(any(code.startswith("0") for code in codes))
        self.assertEqual({len(code) for code in codes}, {2})

    def test_values_do_not_repeat(self):
        ids = SecureIds()
        self.assertEqual(len({ids.token() for _ in range(100)}), 100)
        self.assertEqual(len({ids.new_id() for _ in range(100)}), 100)

    def test_a_seed_repeats_itself(self):
        first, second, other = SeededIds(3), SeededIds(3), SeededIds(4)
        sample = [(ids.new_id(), ids.token(), ids.digits(6)) for ids in (first, second, other)]
        self.assertEqual(sample[0], sample[1])
        self.assertNotEqual(sample[0], sample[2])
