-- Keys under which programs ask for something once.

-- name: forget_keys
delete from idempotency_keys where expires_at <= :now

-- name: claim_key
insert into idempotency_keys(actor, key, fingerprint, claim, claimed_at, expires_at)
values (:actor, :key, :fingerprint, :claim, :now, :expires_at)
on conflict (actor, key) do nothing

-- name: take_key_over
-- Only who finds the claim it read: of several, one.
update idempotency_keys set claim = :claim, claimed_at = :now
where actor = :actor and key = :key and claim = :before and status is null

-- name: keep_answer
update idempotency_keys set status = :status, headers = :headers, body = :body
where actor = :actor and key = :key and claim = :claim

-- name: give_key_back
delete from idempotency_keys where actor = :actor and key = :key and claim = :claim and status is null

-- name: key
select * from idempotency_keys where actor = :actor and key = :key
