-- claim_not_issued. Where: anywhere.
select 'warning' as severity, 'policy' as kind, format('%I on %s', p.name, p.tbl_name) as object,
  format('The policy %I reads the claim %s, which tokens do not have unless something adds it: compared with null, no row is ever seen.',
    p.name, c.claim) as message,
  format('Look at a real token and name the path it has; or let a custom access token hook add %s.', c.claim) as fix
from policies p
cross join lateral (
  select m[2] as claim
  from regexp_matches(coalesce(p.qual, '') || coalesce(p.chk, ''), '(jwt\(\)( AS jwt)?\)*|request.jwt.claims''::text, true\)\)*(::json|::jsonb)?\)?) ->>? ''([^'']+)''', 'g') r (g)
  cross join lateral (select array[r.g[1], r.g[4]] as m) x
) c
where c.claim not in ('sub', 'role', 'email', 'phone', 'aud', 'exp', 'iat', 'iss', 'nbf', 'jti', 'aal', 'amr', 'session_id',
    'is_anonymous', 'app_metadata', 'user_metadata')
  and (select supabase from settings)
  and not exists (
    select from pg_proc f
    where f.proname ~* 'access_token|token_hook|custom_claims' and f.pronargs = 1 and f.prorettype = 'jsonb'::regtype
  )
group by p.name, p.tbl_name, c.claim
