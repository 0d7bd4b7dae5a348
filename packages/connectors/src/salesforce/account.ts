// The organization behind the credentials, and the external id field that carries the create token.
// Must not write records.
import { advise, failed, hollow, ok, retry, unread } from '../kit/answers.ts'
import type { AccountIdentity, Answer } from '../kit/connector.ts'
import type { ConnectorHttp } from '../kit/http.ts'
import { listIn, objectOf, textOf } from '../kit/reading.ts'
import { apiPath, tokenField } from './description.ts'
import { classify, errorOf } from './failures.ts'
import type { SalesforceObject } from './object.ts'
import { longId, objectNamed } from './objects.ts'

export async function identify(http: ConnectorHttp): Promise<Answer<AccountIdentity>> {
  const answer = await http.request({ method: 'GET', path: '/services/oauth2/userinfo' })
  // This endpoint says 403 'Bad_OAuth_Token' where all others say 401.
  if (answer.status === 403) return failed({ action: 'refresh_credentials', reason: 'Salesforce refused the token.' })
  const failure = classify(answer)
  if (failure) return unread(failure)
  const account = textOf(objectOf(answer.body)['organization_id'])
  if (account === null) return failed(retry('Salesforce did not name the organization.'))
  return ok({ account: longId(account), name: null })
}

/**
 * Makes the token field where it is missing. A field made over the API is hidden from every profile that
 * was not given it, so it is looked for again; a person has to grant it when it stays unseen.
 */
export async function prepare(http: ConnectorHttp, names: readonly string[]): Promise<Answer<null>> {
  for (const name of names) {
    const object = objectNamed(name)
    if (object.createTokenField === null) continue
    const before = await tokenState(http, object)
    if (!before.ok) return before
    if (before.value === 'usable') continue
    if (before.value === 'absent') {
      const made = await makeField(http, object)
      if (!made.ok) return made
    }
    const after = await tokenState(http, object)
    if (!after.ok) return after
    if (after.value === 'usable') continue
    const field = `${object.remoteName}.${tokenField}`
    return failed(advise(`Give the connected user read and edit access to ${field}; it must be a unique external id.`))
  }
  return ok(null)
}

async function tokenState(
  http: ConnectorHttp,
  object: SalesforceObject,
): Promise<Answer<'absent' | 'unusable' | 'usable'>> {
  const answer = await http.request({ method: 'GET', path: `${apiPath}/sobjects/${object.remoteName}/describe` })
  const failure = classify(answer)
  if (failure) return unread(failure)
  const fields = listIn(answer.body, 'fields')
  // Of an answer that is none it would be absent, and made once more.
  if (fields === null) return failed(hollow('Salesforce'))
  const field = fields.map((entry) => objectOf(entry)).find((entry) => entry['name'] === tokenField)
  if (!field) return ok('absent')
  const usable = field['unique'] === true && field['externalId'] === true && field['createable'] !== false
  return ok(usable ? 'usable' : 'unusable')
}

// https://developer.salesforce.com/docs/atlas.en-us.api_tooling.meta/api_tooling/tooling_api_objects_customfield.htm
async function makeField(http: ConnectorHttp, object: SalesforceObject): Promise<Answer<null>> {
  const answer = await http.request({
    method: 'POST',
    path: `${apiPath}/tooling/sobjects/CustomField`,
    json: {
      FullName: `${object.customFieldsOf}.${tokenField}`,
      Metadata: {
        label: 'Rowhouse Token',
        description: 'Names the row a record was created from. Kept by Rowhouse; not to be edited.',
        type: 'Text',
        length: 64,
        externalId: true,
        unique: true,
        caseSensitive: true,
      },
    },
  })
  const failure = classify(answer)
  if (!failure || errorOf(answer.body, answer.status).code === 'DUPLICATE_DEVELOPER_NAME') return ok(null)
  return unread(failure)
}
