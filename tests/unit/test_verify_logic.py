from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imchat.domain.errors import CodeInvalid, RateLimited, Unavailable
from imchat.ports import MailKind, Purpose
from imchat.store.memory import MemoryCodeStore, MemoryRateLimiter
from imchat.verify.logic import VerifyLogic
from imchat.verify.mails import compose
from imchat.verify.settings import VerifySettings
from tests.fakes.ids import SeededIds
from tests.fakes.verify import RecordingMailer

ADA = "ada@example.org"
DAY = 86_400


class BrokenLimiter(MemoryRateLimiter):
    """Loses its store after counting."""

    async def give_back(self, key, limit):
        raise Unavailable("planted")


class VerifyCase(SynchronousTestCase):
    def setUp(self):
        self.clock = Clock()
        self.clock.advance(1_800_000_000)
        self.mailer = RecordingMailer()
        self.codes = MemoryCodeStore(self.now_ms)
        self.verify = self.make(MemoryRateLimiter(self.now_ms))

    def now_ms(self):
        return int(self.clock.seconds() * 1000)

    def make(self, limiter):
        return VerifyLogic(SeededIds(5), self.codes, limiter, self.mailer, compose, VerifySettings())

    def send(self, address=ADA, purpose=Purpose.REGISTRATION, kind=MailKind.CODE, language="en"):
        return Deferred.fromCoroutine(self.verify.send_code(purpose, address, kind, language))

    def check(self, code, address=ADA, purpose=Purpose.REGISTRATION):
        return Deferred.fromCoroutine(self.verify.check_code(purpose, address, code))

    def mailed_code(self):
        """The code in the newest mail."""
        return self.mailer.mails[-1].text.split("\n\n")[1].strip()

    def outcome(self, deferred):
        """The value or failure of something that is done."""
        results = []
        deferred.addBoth(results.append)
        return results[0]

    def right(self, *args, **kwargs):
        """Whether a code is taken."""
        outcome = self.outcome(self.check(*args, **kwargs))
        if outcome is not None:
            self.assertTrue(outcome.check(CodeInvalid), outcome)
        return outcome is None


class CodeTests(VerifyCase):
    def test_the_mailed_code_is_good_once(self):
        self.assertEqual(self.successResultOf(self.send()), 300_000)
        self.assertEqual(self.mailer.mails[0].to, ADA)
        code = self.mailed_code()
        self.assertRegex(code, r"\A[0-9]{6}\Z")
        self.assertTrue(self.right(code))
        self.assertFalse(self.right(code))

    def test_the_address_is_the_same_in_any_case(self):
        self.successResultOf(self.send("Ada@Example.ORG"))
        self.assertTrue(self.right(self.mailed_code(), "ADA@example.org"))

    def test_a_code_is_good_for_its_purpose_and_address_only(self):
        self.successResultOf(self.send())
        code = self.mailed_code()
        self.assertFalse(self.right(code, purpose=Purpose.PASSWORD_RESET))
        self.assertFalse(self.right(code, "bob@example.org"))
        self.assertTrue(self.right(code))

    def test_a_code_expires(self):
        self.successResultOf(self.send())
        self.clock.advance(300)
        self.assertFalse(self.right(self.mailed_code()))

    def test_a_newer_code_voids_the_older(self):
        self.successResultOf(self.send())
        older = self.mailed_code()
        self.clock.advance(60)
        self.successResultOf(self.send())
        self.assertFalse(self.right(older))
        self.assertTrue(self.right(self.mailed_code()))

    def test_mails_without_a_code_leave_none_to_guess(self):
        for purpose, kind in (
            (Purpose.REGISTRATION, MailKind.ALREADY_REGISTERED),
            (Purpose.PASSWORD_RESET, MailKind.NO_ACCOUNT),
        ):
            self.assertEqual(self.successResultOf(self.send(purpose=purpose, kind=kind)), 300_000)
            self.clock.advance(60)
        self.assertEqual(len(self.mailer.mails), 2)
        self.assertEqual(len(self.codes), 0)

    def test_the_mail_is_in_the_clients_language(self):
        self.successResultOf(self.send(language="zh-CN,zh;q=0.9"))
        self.assertEqual(self.mailer.mails[0].language, "zh")


class BruteForceTests(VerifyCase):
    def wrong_codes(self):
        code = self.mailed_code()
        return (f"{n:06d}" for n in range(1_000_000) if f"{n:06d}" != code)

    def test_after_five_wrong_tries_the_right_one_fails(self):
        self.successResultOf(self.send())
        for wrong, _ in zip(self.wrong_codes(), range(6), strict=False):
            self.assertFalse(self.right(wrong))
        self.assertFalse(self.right(self.mailed_code()))

    def test_after_four_the_right_one_is_good(self):
        self.successResultOf(self.send())
        for wrong, _ in zip(self.wrong_codes(), range(4), strict=False):
            self.assertFalse(self.right(wrong))
        self.assertTrue(self.right(self.mailed_code()))

    def test_tries_spread_over_another_spelling_and_time_are_counted_together(self):
        self.successResultOf(self.send())
        wrong = self.wrong_codes()
        for address in (ADA, ADA.upper(), ADA.title(), ADA, ADA.upper()):
            self.clock.advance(50)
            self.assertFalse(self.right(next(wrong), address))
        self.assertFalse(self.right(self.mailed_code()))

    def test_a_day_of_asking_and_guessing_gives_few_guesses(self):
        guesses = 0
        for _ in range(DAY // 60):
            if self.outcome(self.send()) == 300_000:
                for wrong, _ in zip(self.wrong_codes(), range(5), strict=False):
                    guesses += not self.right(wrong)
            self.clock.advance(60)
        self.assertGreater(guesses, 20 * 5 - 1)
        self.assertLessEqual(guesses, 2 * 20 * 5)

    def test_what_is_no_code_at_all_is_refused_and_harms_nobody(self):
        self.successResultOf(self.send())
        for text in ("", "12345", "1234567", "１２３４５６", "' OR 1=1", "\x00" * 6, "\ud800" * 6, "9" * 100_000):
            self.assertFalse(self.right(text))
        self.assertTrue(self.right(self.mailed_code()))


class LimitTests(VerifyCase):
    def test_one_mail_per_address_and_minute_whatever_the_kind_and_purpose(self):
        self.successResultOf(self.send())
        self.clock.advance(59)
        for kind, purpose in ((MailKind.NO_ACCOUNT, Purpose.PASSWORD_RESET), (MailKind.CODE, Purpose.REGISTRATION)):
            error = self.failureResultOf(self.send("ADA@example.org", purpose, kind), RateLimited).value
            self.assertEqual(error.retry_after_ms, 1_000)
        self.successResultOf(self.send("bob@example.org"))
        self.clock.advance(1)
        self.successResultOf(self.send())
        self.assertEqual(len(self.mailer.mails), 3)

    def test_a_refused_request_leaves_the_older_code_good(self):
        self.successResultOf(self.send())
        self.failureResultOf(self.send(), RateLimited)
        self.assertTrue(self.right(self.mailed_code()))

    def test_a_daily_cap(self):
        for _ in range(20):
            self.successResultOf(self.send())
            self.clock.advance(60)
        error = self.failureResultOf(self.send(), RateLimited).value
        self.assertEqual(error.retry_after_ms, (DAY // 20 - 20 * 60) * 1000)
        self.clock.advance(DAY // 20 - 20 * 60 - 10)
        self.assertEqual(self.failureResultOf(self.send(), RateLimited).value.retry_after_ms, 10_000)
        # Being refused for the day did not use up the minute.
        self.clock.advance(10)
        self.successResultOf(self.send())


class FailureTests(VerifyCase):
    def test_a_mail_that_was_not_sent_counts_for_nothing_and_leaves_no_code(self):
        self.mailer.failure = Unavailable("planted")
        for _ in range(30):
            self.failureResultOf(self.send(), Unavailable)
        self.assertEqual(len(self.codes), 0)
        self.mailer.failure = None
        self.successResultOf(self.send())
        self.assertTrue(self.right(self.mailed_code()))

    def test_a_fault_of_the_mailer_is_cleaned_up_after_too(self):
        self.mailer.failure = RuntimeError("planted")
        self.failureResultOf(self.send(), RuntimeError)
        self.mailer.failure = None
        self.successResultOf(self.send())

    def test_the_mailers_failure_is_told_even_where_cleaning_up_fails(self):
        self.verify = self.make(BrokenLimiter(self.now_ms))
        self.mailer.failure = Unavailable("the mail server is away")
        error = self.failureResultOf(self.send(), Unavailable).value
        self.assertEqual(str(error), "the mail server is away")

    def test_a_full_code_store_sends_no_mail_and_keeps_no_minute(self):
        self.codes = MemoryCodeStore(self.now_ms, capacity=0)
        self.verify = self.make(MemoryRateLimiter(self.now_ms))
        for _ in range(2):
            self.failureResultOf(self.send(), Unavailable)
        self.assertEqual(self.mailer.mails, [])
