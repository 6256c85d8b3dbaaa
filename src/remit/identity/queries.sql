-- name: begin_session
insert into sessions (id, secret, person, credential, created_at, seen_at, expires_at)
values (:id, :secret, :person, :credential, :now, :now, :expires_at)

-- name: session
select * from sessions where secret = :secret and expires_at > :now and seen_at > :idle_since

-- name: sessions_of
select count(*) as count from sessions where person = :person and expires_at > :now and seen_at > :idle_since

-- name: touch_session
update sessions set seen_at = :now where id = :id and seen_at < :now

-- name: end_session
delete from sessions where id = :id

-- name: end_sessions
delete from sessions where person = :person returning id

-- name: forget_sessions
delete from sessions where expires_at <= :now or seen_at <= :idle_since

-- name: issue_link
insert into login_links (secret, person, by, issued_at, expires_at) values (:secret, :person, :by, :now, :expires_at)

-- name: link
select * from login_links where secret = :secret

-- name: use_link
-- Two who follow one link at the same moment take turns here, and the second finds it used.
update login_links set used_at = :now where secret = :secret and used_at is null and expires_at > :now

-- name: withdraw_links
delete from login_links where person = :person and used_at is null

-- name: forget_links
delete from login_links where expires_at <= :before

-- name: create_token
insert into tokens (id, secret, name, owner, program, permissions, created_at, expires_at)
values (:id, :secret, :name, :owner, :program, :permissions, :now, :expires_at)

-- name: token
select * from tokens where id = :id

-- name: tokens
select * from tokens where :owner = '' or owner = :owner order by created_at desc, id

-- name: revoke_token
update tokens set revoked_at = :now, revoked_by = :by where id = :id and revoked_at is null

-- name: touch_token
update tokens set used_at = :now where id = :id and coalesce(used_at, 0) < :now

-- name: latest_failures
select at from login_failures where subject = :subject order by at desc limit :tries

-- name: fail
insert into login_failures (subject, at, attempt) values (:subject, :now, :attempt)

-- name: forgive
-- What succeeded was no failure, for anybody; and its person starts anew. The client does not: else whoever has one
-- account could try others' passwords between two logins of his own.
delete from login_failures where attempt = :attempt or subject = :subject

-- name: forget_failures
delete from login_failures where at <= :before
