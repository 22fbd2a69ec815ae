"""The fair write lock."""

from __future__ import annotations

import threading
from functools import partial

import pytest
from django.db import connection, transaction

from services.waiting import wait_until
from threadhub.kernel import transactions
from threadhub.kernel.transactions import FairLock


def test_grants_in_order_of_arrival() -> None:
    lock, order, threads = FairLock(), list[int](), list[threading.Thread]()
    lock.acquire()

    def take(number: int) -> None:
        lock.acquire()
        order.append(number)
        lock.release()

    for number in range(5):
        threads.append(threading.Thread(target=take, args=(number,)))
        threads[-1].start()
        wait_until(lambda n=number: len(lock._waiting) == n + 1)
    lock.release()
    for thread in threads:
        thread.join(10)

    assert order == [0, 1, 2, 3, 4]


def test_may_be_taken_again_by_its_holder() -> None:
    lock, done = FairLock(), threading.Event()
    lock.acquire()
    lock.acquire()
    other = threading.Thread(target=lambda: (lock.acquire(), done.set(), lock.release()))
    other.start()

    lock.release()
    assert not done.is_set()
    lock.release()

    assert done.wait(10)
    other.join(10)


def test_never_lets_two_threads_in_at_once() -> None:
    lock, inside, seen, barrier = FairLock(), list[int](), list[int](), threading.Barrier(8)

    def work(number: int) -> None:
        barrier.wait(10)
        for _ in range(200):
            lock.acquire()
            inside.append(number)
            seen.append(len(inside))
            inside.remove(number)
            lock.release()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert seen == [1] * 1600


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
def test_a_failed_block_frees_the_lock_and_rolls_back() -> None:
    with pytest.raises(ZeroDivisionError), transactions.atomic():
        raise ZeroDivisionError

    with transactions.atomic():
        assert connection.in_atomic_block
    assert not transaction.get_connection().in_atomic_block


@pytest.mark.django_db(transaction=True)
def test_what_follows_a_commit_holds_no_lock_that_others_wait_for() -> None:
    done: list[str] = []

    def write(name: str) -> None:
        with transactions.atomic():
            done.append(name)
        connection.close()

    def follow() -> None:
        other = threading.Thread(target=write, args=("other",))
        other.start()
        other.join(10)
        done.append("follow")

    with transactions.atomic():
        with transactions.atomic():
            transactions.after_commit(follow)
        done.append("block")

    assert done == ["block", "other", "follow"]


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
def test_what_fails_after_a_commit_fails_neither_it_nor_what_else_follows() -> None:
    done: list[str] = []

    def fail() -> None:
        raise ConnectionResetError

    with transactions.atomic():
        transactions.after_commit(partial(fail))
        transactions.after_commit(partial(done.append, "next"))

    assert done == ["next"]
