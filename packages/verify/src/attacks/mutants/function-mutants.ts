// What holds the gate and the seal: lines of the functions of the schema rowhouse, taken out one at a time.
import type { FunctionMutant } from './mutant.ts'

const all = ['key_part', 'enter', 'seal_payload', 'organization_id']

export const functionMutants: readonly FunctionMutant[] = [
  {
    removes: 'the MAC from organization_id()',
    functions: ['organization_id'],
    from: /when pg_catalog\."left"\(seal, 64\)[^]*?'hex'\)/,
    to: "when seal operator(pg_catalog.<>) ''",
  },
  {
    removes: 'the MAC from seal_payload()',
    functions: ['seal_payload'],
    from: /if \(pg_catalog\."left"\(seal, 64\)[^]*?is not true/,
    to: 'if seal is null',
  },
  { removes: 'the backend from the MAC', functions: all, from: /\|\| int4send\(pg_backend_pid\(\)\)/g, to: '' },
  {
    removes: 'the transaction from the MAC',
    functions: all,
    from: /operator\(pg_catalog\.\|\|\) pg_catalog\.timestamptz_send\(pg_catalog\.now\(\)\)/g,
    to: '',
  },
  {
    removes: 'the signature from enter()',
    functions: ['verify_token'],
    from: /if verified is not true then/,
    to: 'if false then',
  },
  {
    removes: 'the database from the token',
    functions: ['verify_token'],
    from: /if not exists \(\s*select from rowhouse\.database/,
    to: 'if false and not exists (select from rowhouse.database',
  },
  {
    removes: 'the expiry of a token',
    functions: ['enter'],
    from: /if \(life operator\(pg_catalog\.>\) '0'::pg_catalog\.interval\s*and life/,
    to: 'if (life',
  },
  {
    removes: 'the longest life of a token',
    functions: ['enter'],
    from: /and life operator\(pg_catalog\.<=\) '60 seconds'::pg_catalog\.interval/,
    to: '',
  },
  {
    removes: 'the membership from enter()',
    functions: ['admit'],
    from: /if kind = 'u' and member_role is null then/,
    to: 'if false then',
  },
  {
    removes: 'the status from enter()',
    functions: ['enter'],
    from: /and o\.status operator\(pg_catalog\.=\) 'active'/,
    to: '',
  },
  {
    removes: 'the placement from enter()',
    functions: ['admit'],
    from: /if \(placement_state = 'active'\) is not true then/,
    to: 'if false then',
  },
  {
    removes: 'the lock from enter()',
    functions: ['enter'],
    from: /if pg_catalog\.pg_try_advisory_xact_lock_shared\(rowhouse\.lock_key\(organization\)\) is not true then/,
    to: 'if false then',
  },
  {
    removes: 'the refusal to enter twice',
    functions: ['enter'],
    from: /if rowhouse\.seal_payload\(\) is not null then/,
    to: 'if false then',
  },
  {
    removes: "PostgREST's own text from the door",
    functions: ['pre_request'],
    from: /or current_query\(\) is distinct from 'select "rowhouse"\."pre_request"\(\)'/,
    to: '',
  },
  {
    removes: 'the seal from the change log',
    functions: ['log_change'],
    from: /if not pg_has_role\(session_user, 'rowhouse_migrator', 'MEMBER'\) then/,
    to: 'if false then',
  },
]
