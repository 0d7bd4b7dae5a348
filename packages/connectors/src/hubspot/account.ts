// The account behind the credentials, and what a connection needs to exist in it: the unique property
// that carries the create token. Must not write records.
import { advise, failed, isSuccess, ok, retry, unread } from '../kit/answers.ts'
import type { AccountIdentity, Answer } from '../kit/connector.ts'
import type { ConnectorHttp } from '../kit/http.ts'
import { objectOf, textOf } from '../kit/reading.ts'
import { tokenProperty } from './description.ts'
import { classify } from './failures.ts'
import type { HubspotObject } from './object.ts'
import { objectNamed, propertyPath } from './objects.ts'
import { resultsIn } from './results.ts'

/** HubSpot gives no account name to an integration; people see the portal id. */
export async function identify(http: ConnectorHttp): Promise<Answer<AccountIdentity>> {
  const answer = await http.request({ method: 'GET', path: '/account-info/v3/details' })
  const failure = classify(answer)
  if (failure) return unread(failure)
  const account = textOf(objectOf(answer.body)['portalId'])
  return account === null ? failed(retry('HubSpot did not name the account.')) : ok({ account, name: null })
}

/** Makes the token property of each object, once; two workers at a time end with one property. */
export async function prepare(http: ConnectorHttp, names: readonly string[]): Promise<Answer<null>> {
  for (const name of names) {
    const object = objectNamed(name)
    const read = await http.request({ method: 'GET', path: propertyPath(object, `/${tokenProperty}`) })
    if (isSuccess(read)) {
      const failure = classify(read)
      if (failure) return unread(failure)
      if (objectOf(read.body)['hasUniqueValue'] === true) continue
      return failed(
        advise(`The property ${tokenProperty} of ${object.remoteName} exists without unique values: delete it.`),
      )
    }
    if (read.status !== 404) return unread(classify(read) ?? retry('HubSpot did not tell its properties.'))
    const group = await groupOf(http, object)
    if (!group.ok) return group
    const made = await http.request({
      method: 'POST',
      path: propertyPath(object),
      json: {
        groupName: group.value,
        name: tokenProperty,
        label: 'Rowhouse token',
        description: 'Names the row a record was created from. Kept by Rowhouse; not to be edited.',
        type: 'string',
        fieldType: 'text',
        hasUniqueValue: true,
        hidden: true,
        formField: false,
      },
    })
    // 409: another worker made it in between.
    if (made.status === 409) continue
    const failure = classify(made)
    if (failure) return unread(failure)
  }
  return ok(null)
}

/** A property stands in a group; those of custom objects are named after the object. */
async function groupOf(http: ConnectorHttp, object: HubspotObject): Promise<Answer<string>> {
  if (object.propertyGroup !== null) return ok(object.propertyGroup)
  const answer = await http.request({ method: 'GET', path: propertyPath(object, '/groups') })
  const groups = resultsIn(answer)
  if (!groups.ok) return groups
  const [first] = groups.value.flatMap((group) => textOf(group['name']) ?? [])
  return first === undefined ? failed(retry('HubSpot named no group of properties.')) : ok(first)
}
