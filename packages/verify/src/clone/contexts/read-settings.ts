// What policies, functions and views ask the session for: the settings by name, the paths into a JWT's claims. Read from
// their texts in the catalogue.
import type { ClientBase } from 'pg'

import { inReadOnlySnapshot } from '../read-catalogue.ts'

export interface SessionQuestions {
  /** `app.organization_id`. */
  readonly settings: readonly string[]
  /** `['app_metadata', 'organization_id']`. */
  readonly claims: readonly (readonly string[])[]
  readonly asksUser: boolean
}

const textsSql = `
  select coalesce(pg_get_expr(p.polqual, p.polrelid), '') || ' ' || coalesce(pg_get_expr(p.polwithcheck, p.polrelid), '') as text
  from pg_catalog.pg_policy p
  union all
  select coalesce(pg_get_function_sqlbody(p.oid), p.prosrc) from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
  where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and p.prokind in ('f', 'p')
  union all
  select pg_get_viewdef(c.oid) from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('v', 'm') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  union all
  select pg_get_expr(d.adbin, d.adrelid) from pg_catalog.pg_attrdef d`

const setting = /current_setting\(\s*'([a-z_][\w.]*\.[\w.]+)'/gi
const claimsStart = /auth\.jwt\(\)|current_setting\(\s*'request\.jwt\.claims'/gi
const claimStep =
  /^[\s)]*(?:AS\s+\w+\s*\)*|,\s*true(?:::boolean)?\s*\)*|,\s*''(?:::text)?\s*\)*|::jsonb?\s*\)*|::text\s*\)*)*\s*->>?\s*'([^']+)'/i

/** Reads the catalogue of the database that `client` is connected to. */
export async function readSessionQuestions(client: ClientBase): Promise<SessionQuestions> {
  return inReadOnlySnapshot(client, async () => {
    const { rows } = await client.query<{ text: string | null }>(textsSql)
    return findQuestions(rows.map(({ text }) => text ?? ''))
  })
}

/** @param texts deparsed expressions and function bodies */
export function findQuestions(texts: readonly string[]): SessionQuestions {
  const settings = new Set<string>()
  const claims = new Map<string, readonly string[]>()
  for (const text of texts) {
    for (const [, name] of text.matchAll(setting)) if (name !== undefined) settings.add(name)
    for (const match of text.matchAll(claimsStart)) {
      const path = claimPath(text.slice(match.index + match[0].length))
      if (path.length > 0) claims.set(path.join('\n'), path)
    }
  }
  return {
    settings: [...settings].toSorted(),
    claims: [...claims.values()],
    asksUser: texts.some((text) => /auth\.uid\(\)|request\.jwt\.claim/i.test(text)),
  }
}

function claimPath(text: string): string[] {
  const path: string[] = []
  let rest = text
  for (let step = claimStep.exec(rest); step !== null; step = claimStep.exec(rest)) {
    path.push(step[1] as string)
    rest = rest.slice(step[0].length).replace(/^::text/, '')
  }
  return path
}
