"""interim"""

from tests.faults.recording import Answered, Seen, read


def violations(query, crowd):
    rows = {}
    for s, q, u, c, k, o in query("SELECT stream_id, seq, sender_id, client_id, kind, ordinal FROM event"):
        rows[(s, q)] = (u, bytes(c).hex())
    out = []
    shown = {}
    for line in read(crowd.records):
        if isinstance(line, Answered):
            if rows.get((line.conversation, line.seq)) != (line.user, line.client_id):
                out.append(f"acknowledged but not there: {line}")
        if isinstance(line, Seen):
            shown.setdefault((line.device, line.conversation), []).append(line.seq)
    heads = {}
    for s, q in rows:
        heads[s] = max(q, heads.get(s, 0))
    for key, seqs in shown.items():
        if seqs != list(range(1, heads[key[1]] + 1)):
            out.append(f"{key} saw {seqs[:5]}...{len(seqs)} of {heads[key[1]]}")
    return out
