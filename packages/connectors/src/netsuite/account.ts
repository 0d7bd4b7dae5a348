// The account behind the credentials, and whether it lets the connection at the records that are synced. Nothing has
// to be made in it: the create token is the external id, which every record type has. Must not write records.
import { advise, failed, hollow, ok, retry, unread } from '../kit/answers.ts'
import type { AccountIdentity, Answer } from '../kit/connector.ts'
import type { ConnectorHttp } from '../kit/http.ts'
import { arrayOf, listIn, objectOf, textOf } from '../kit/reading.ts'
import { ask, classify } from './failures.ts'
import { accountOf } from './hosts.ts'
import { objectNamed } from './objects.ts'

/** No endpoint says it in words; the links of every answer are on the account's own domain. */
export async function identify(http: ConnectorHttp): Promise<Answer<AccountIdentity>> {
  const answer = await ask(http, { method: 'GET', path: '/services/rest/record/v1/customer?limit=1' })
  const failure = classify(answer)
  if (failure) return unread(failure)
  const links = arrayOf(objectOf(answer.body)['links']).flatMap((link) => textOf(objectOf(link)['href']) ?? [])
  const account = links.map((link) => accountOf(link)).find((found) => found !== null)
  return account === undefined || account === null
    ? failed(retry('NetSuite did not name the account.'))
    : ok({ account, name: null })
}

export async function prepare(http: ConnectorHttp, names: readonly string[]): Promise<Answer<null>> {
  const wanted = names.map((name) => objectNamed(name).remoteName)
  const answer = await ask(http, {
    method: 'GET',
    path: `/services/rest/record/v1/metadata-catalog?select=${wanted.join(',')}`,
  })
  const failure = classify(answer)
  if (failure) return unread(failure)
  const items = listIn(answer.body, 'items')
  if (items === null) return failed(hollow('NetSuite'))
  const there = new Set(items.flatMap((item) => textOf(objectOf(item)['name'])?.toLowerCase() ?? []))
  const missing = wanted.filter((name) => !there.has(name.toLowerCase()))
  if (missing.length === 0) return ok(null)
  return failed(advise(`Give the connected role access to ${missing.join(', ')} through REST Web Services.`))
}
