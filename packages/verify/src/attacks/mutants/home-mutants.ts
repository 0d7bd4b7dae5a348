// What holds a home that Rowhouse made: `{a}` and `{b}` are the schemas of two, `{A}` and `{B}` their logins, `{owner}` who owns
// the schemas. Each changes the whole server at most, and is undone.
import type { FunctionMutant } from './mutant.ts'

export interface HomeMutant {
  readonly removes: string
  readonly by: string
  readonly sql: string
  readonly undo: string
}

export const homeMutants: readonly HomeMutant[] = [
  {
    removes: 'the border of a home, by a grant to PUBLIC',
    by: 'home_of_another_organization_reached',
    sql: 'grant usage on schema {b} to public; grant select on {b}.contacts to public',
    undo: 'revoke usage on schema {b} from public; revoke select on {b}.contacts from public',
  },
  {
    removes: 'the border of a home, by USAGE for the login of another',
    by: 'home_of_another_organization_reached',
    sql: 'grant usage on schema {b} to {A}',
    undo: 'revoke usage on schema {b} from {A}',
  },
  {
    removes: 'the border of a home, by a column for the login of another',
    by: 'home_of_another_organization_reached',
    sql: 'grant select (email) on {b}.contacts to {A}',
    undo: 'revoke select (email) on {b}.contacts from {A}',
  },
  {
    removes: 'the distance between the logins of two homes',
    by: 'home_of_another_organization_reached',
    sql: 'grant {B} to {A}',
    undo: 'revoke {B} from {A}',
  },
  {
    removes: 'the border of the next table of a home, by default privileges',
    by: 'home_of_another_organization_reached',
    sql: 'alter default privileges for role {owner} in schema {b} grant select on tables to {A}',
    undo: 'alter default privileges for role {owner} in schema {b} revoke select on tables from {A}',
  },
  {
    removes: 'the border of a home, by a function that PUBLIC may call',
    by: 'home_of_another_organization_reached',
    sql: 'grant execute on function {b}.shout(text) to public',
    undo: 'revoke execute on function {b}.shout(text) from public',
  },
  {
    removes: 'the border of a home, by a grant to the login that others share',
    by: 'home_of_another_organization_reached',
    sql: 'grant usage on schema {b} to rowhouse_app; grant select on {b}.companies to rowhouse_app',
    undo: 'revoke usage on schema {b} from rowhouse_app; revoke select on {b}.companies from rowhouse_app',
  },
]

/** Lines of the doors; what two locks hold has both of them taken out. */
export const doorMutants: readonly FunctionMutant[] = [
  {
    removes: 'the login from the doors of a home',
    by: 'gate_admits',
    says: /token of another organization|token of this one/,
    functions: ['enter_home', 'enter', 'admit'],
    from: /p\.login (operator\(pg_catalog\.=\)|=) session_user/,
    to: 'true',
  },
  {
    removes: 'the version from the door of a home',
    by: 'gate_admits',
    says: /without a version|newer than what is known/,
    functions: ['enter_home'],
    from: /if \(here operator\(pg_catalog\.>=\)[^;]*is not true then/,
    to: 'if false then',
  },
  {
    removes: 'the catalogue from the seal of its door',
    by: 'gate_admits',
    says: /seal of the catalogue as one for rows/,
    functions: ['enter_catalogue'],
    from: /repeat\('-', 36\) \|\| substr\(left\(token, -65\), 85\) \|\| '@' \|\| organization/,
    to: 'organization || substr(left(token, -65), 85)',
  },
]
