// What every connector must do, run against a simulated provider over real HTTP. For tests only: not
// exported from the package. A connector is certified when a test file beside it calls this and passes.
// Owns the questions; the subject owns how its provider is started and how it words its refusals.
// Long because it is one list of questions, read from top to bottom, over one set of makers.
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type {
  Connector,
  OAuthApp,
  ObjectSelection,
  PollPosition,
  RecordPage,
  RemoteRecord,
  WriteOperation,
} from './connector.ts'
import type { Failure } from './failure.ts'
import type { ConnectorHttp, HttpAnswer } from './http.ts'

export interface ConformanceAccount {
  /** The provider's id of it. */
  readonly id: string
  readonly baseUrl: string
  readonly http: ConnectorHttp
  /** The app that was registered for it, and HTTP without credentials. */
  readonly app: OAuthApp
  readonly anonymous: ConnectorHttp
  withToken(accessToken: string): ConnectorHttp
  /** Consents as a person would, and gives the code of the redirect. */
  consent(authorizeUrl: string): Promise<string>
  /** Makes the provider fail; an empty object ends it. */
  trouble(settings: Readonly<Record<string, number | string>>): Promise<void>
}

export interface ConformanceSubject {
  readonly connector: Connector
  /** A new, empty account without rate limits worth mentioning. */
  open(): Promise<ConformanceAccount>
  /** Moves the provider's clock. */
  advance(durationMs: number): void
  close(): Promise<void>
  /** How the provider words what cannot be provoked, and what it must be understood as. */
  readonly wordings: readonly { readonly name: string; readonly answer: HttpAnswer; readonly means: Partial<Failure> }[]
}

type CreateOperation = Extract<WriteOperation, { kind: 'create' }>

/** Beyond the cap of 10,000 results that a provider's search may have. */
const manyRecords = 10_050
/** No walk of this suite is longer; more means it does not end. */
const pagesMax = 200
const start: PollPosition = { modifiedAt: '2000-01-01T00:00:00.000Z', id: '' }
const transport: ConformanceSubject['wordings'] = [
  { name: 'no answer', answer: { status: 0, headers: {}, body: null }, means: { action: 'retry', scope: 'call' } },
  { name: 'a page instead of JSON', answer: html(200), means: { action: 'retry' } },
  { name: 'a page with a refusal', answer: html(403), means: { action: 'retry' } },
  { name: 'a gateway error', answer: html(502), means: { action: 'retry', scope: 'call' } },
  { name: 'an empty success', answer: { status: 200, headers: {}, body: null }, means: { action: 'retry' } },
  {
    name: 'maintenance with Retry-After',
    answer: { ...html(503), headers: { 'retry-after': '7' } },
    means: { action: 'retry', afterMs: 7000 },
  },
  {
    name: 'Retry-After as a date',
    answer: {
      status: 429,
      headers: { 'retry-after': 'Thu, 01 Jan 2026 00:00:30 GMT', date: 'Thu, 01 Jan 2026 00:00:00 GMT' },
      body: {},
    },
    means: { action: 'retry', scope: 'account', afterMs: 30_000 },
  },
  { name: 'a redirect', answer: { status: 302, headers: {}, body: null }, means: { action: 'pause' } },
]

function html(status: number): HttpAnswer {
  return { status, headers: {}, body: '<html><body>Service unavailable</body></html>' }
}

/** Registers the suite. @example testConnector(await hubspotSubject()) */
export function testConnector(subject: ConformanceSubject): void {
  const { connector } = subject
  const description = connector.describe()
  const field = (object: string, column: string): string => {
    const mapping = description.defaultMapping.find((candidate) => candidate.object === object)
    return mapping!.fields.find((candidate) => candidate.column === column)!.field
  }
  const selectionOf = (object: string): ObjectSelection => ({
    object,
    fields: description.defaultMapping.find((mapping) => mapping.object === object)!.fields.map((entry) => entry.field),
    references: description.objects.find(({ name }) => name === object)!.references.map(({ name }) => name),
  })
  const contacts = selectionOf('contact')
  const companies = selectionOf('company')
  const [email, firstName, lastName, phone] = ['email', 'first_name', 'last_name', 'phone'].map((column) =>
    field('contact', column),
  ) as [string, string, string, string]

  let account: ConformanceAccount
  let serial = 0
  beforeAll(async () => {
    account = await fresh()
  })
  afterAll(() => subject.close())

  async function fresh(): Promise<ConformanceAccount> {
    const opened = await subject.open()
    valueOf(await connector.prepare(opened.http, ['contact', 'company']))
    return opened
  }
  function contactOf(values: Readonly<Record<string, string | null>> = {}, companyId?: string): CreateOperation {
    const number = ++serial
    return {
      kind: 'create',
      key: `k${number}`,
      createToken: `token-${number}`,
      fields: { [email]: `person-${number}@example.com`, [lastName]: `Person ${number}`, ...values },
      references: companyId === undefined ? {} : { company: companyId },
    }
  }
  function companyOf(name: string): CreateOperation {
    const createToken = `token-${++serial}`
    return { kind: 'create', key: name, createToken, fields: { [field('company', 'name')]: name }, references: {} }
  }
  async function write(at: ConformanceAccount, selection: ObjectSelection, operations: readonly WriteOperation[]) {
    return valueOf(await connector.write(at.http, selection, operations))
  }
  async function create(at: ConformanceAccount, selection: ObjectSelection, operations: readonly WriteOperation[]) {
    const sizeMax = description.objects.find(({ name }) => name === selection.object)!.batchSizeMax
    const ids: string[] = []
    for (let from = 0; from < operations.length; from += sizeMax) {
      for (const result of await write(at, selection, operations.slice(from, from + sizeMax))) {
        if (result.outcome !== 'done') throw new Error(`not created: ${JSON.stringify(result)}`)
        ids.push(result.id)
      }
    }
    return ids
  }
  async function pollAll(at: ConformanceAccount, from: PollPosition, pageSize: number) {
    const records: RemoteRecord[] = []
    let position = from
    for (let pages = 0; pages < pagesMax; pages++) {
      const page = valueOf(await connector.poll(at.http, contacts, position, pageSize))
      records.push(...page.records)
      position = page.position
      if (!page.more) return { records, position }
    }
    throw new Error(`the poll did not end within ${pagesMax} pages`)
  }

  describe('the account', () => {
    it('is named', async () => {
      expect(valueOf(await connector.identify(account.http)).account).toBe(account.id)
    })

    it('is prepared any number of times', async () => {
      expect(await connector.prepare(account.http, ['contact', 'company'])).toEqual({ ok: true, value: null })
    })
  })

  describe('reading', () => {
    it('lists every record once, to the end', async () => {
      const at = await fresh()
      const [companyId] = await create(at, companies, [companyOf('Acme')])
      const ids = await create(
        at,
        contacts,
        Array.from({ length: 25 }, (_, index) => contactOf({ [phone]: ` +1 ${index} ` }, companyId)),
      )
      const seen: RemoteRecord[] = []
      let cursor: string | null = null
      for (let pages = 0; pages < pagesMax; pages++) {
        const page: RecordPage = valueOf(await connector.list(at.http, contacts, cursor, 10))
        seen.push(...page.records)
        cursor = page.next
        if (cursor === null) break
      }
      expect(cursor).toBeNull()
      expect(seen.map(({ id }) => id)).toEqual(ids)
      expect(seen[3]!.fields).toEqual({
        [email]: expect.stringMatching(/^person-\d+@example\.com$/),
        [firstName]: null,
        [lastName]: expect.stringMatching(/^Person \d+$/),
        [phone]: '+1 3',
        [field('contact', 'title')]: null,
      })
      expect(seen.every(({ references }) => references['company'] === companyId)).toBe(true)
      expect(seen.every(({ createToken }) => createToken?.startsWith('token-'))).toBe(true)
    })

    it('asks for a new reading when a cursor is not its own', async () => {
      expect(await connector.list(account.http, contacts, '<nonsense>', 10)).toMatchObject(failing('resync'))
      expect(await connector.deleted(account.http, 'contact', 'nonsense')).toMatchObject(failing('resync'))
    })

    it('gets records by id, and leaves out what is unknown or deleted', async () => {
      const [kept, gone] = (await create(account, contacts, [contactOf(), contactOf()])) as [string, string]
      await write(account, contacts, [{ kind: 'delete', key: 'd', id: gone }])
      const unknown = unknownId(kept)
      const found = valueOf(await connector.get(account.http, contacts, [gone, kept, unknown]))
      expect(found.map(({ id }) => id)).toEqual([kept])
      expect(valueOf(await connector.get(account.http, contacts, [unknown]))).toEqual([])
      expect(valueOf(await connector.get(account.http, contacts, []))).toEqual([])
    })

    it('finds records by a field without regard to case, and by the create token', async () => {
      const operation = contactOf({ [email]: "o'neil+a&b@example.com" })
      const [id] = await create(account, contacts, [operation])
      const values = ["O'Neil+a&b@Example.com", 'nobody@example.com']
      const byField = valueOf(await connector.find(account.http, contacts, { kind: 'field', field: email, values }))
      expect(byField.map((record) => record.id)).toEqual([id])
      const tokens = [operation.createToken, 'unknown']
      const byToken = valueOf(await connector.find(account.http, contacts, { kind: 'create_token', values: tokens }))
      expect(byToken.map((record) => record.id)).toEqual([id])
      const none = await connector.find(account.http, contacts, { kind: 'create_token', values: ['unknown'] })
      expect(valueOf(none)).toEqual([])
    })

    it('finds companies by domain, however it is written', async () => {
      const domain = field('company', 'domain')
      const operation = companyOf('Globex')
      const fields = { ...operation.fields, [domain]: 'https://www.Globex.com/' }
      const [id] = await create(account, companies, [{ ...operation, fields }])
      const by = { kind: 'field', field: domain, values: ['globex.com'] } as const
      expect(valueOf(await connector.find(account.http, companies, by)).map((record) => record.id)).toEqual([id])
      expect(connector.canonical('company', domain, 'https://www.Globex.com/')).toBe('globex.com')
    })
  })

  describe('polling', () => {
    it('sees every record once when more share a timestamp than fit a page', async () => {
      const at = await fresh()
      const ids = await create(
        at,
        contacts,
        Array.from({ length: 35 }, () => contactOf()),
      )
      subject.advance(5000)
      const later = await create(at, contacts, [contactOf(), contactOf()])
      const all = await pollAll(at, start, 10)
      expect(all.records.map(({ id }) => id).toSorted(byText)).toEqual([...ids, ...later].toSorted(byText))
      expect(all.records).toEqual(all.records.toSorted((a, b) => (a.modifiedAt < b.modifiedAt ? -1 : 1)))

      const again = await pollAll(at, all.position, 10)
      expect(again).toEqual({ records: [], position: all.position })

      subject.advance(5000)
      await write(at, contacts, [update(ids[4]!, { [firstName]: 'Ada' })])
      const changed = await pollAll(at, all.position, 10)
      expect(changed.records.map(({ id, fields }) => [id, fields[firstName]])).toEqual([[ids[4], 'Ada']])
      const overlapped = await pollAll(at, { modifiedAt: all.position.modifiedAt, id: '' }, 10)
      expect(overlapped.records.map(({ id }) => id)).toContain(later[0])
    })

    it(`sees ${manyRecords} records with one timestamp, beyond any search cap`, { timeout: 60_000 }, async () => {
      const at = await fresh()
      const ids = await create(
        at,
        contacts,
        Array.from({ length: manyRecords }, () => contactOf()),
      )
      const { records } = await pollAll(at, start, 200)
      expect(records).toHaveLength(manyRecords)
      expect(new Set(records.map(({ id }) => id))).toEqual(new Set(ids))
    })

    if (connector.pollAll !== undefined) {
      const { pollAll: rounds } = connector
      it('answers a round as it answers each of its questions', async () => {
        const at = await fresh()
        const begun = valueOf(await connector.deleted(at.http, 'contact', null))
        const companyCursor = valueOf(await connector.deleted(at.http, 'company', null)).cursor
        subject.advance(5000)
        await create(at, companies, [companyOf('Round')])
        const ids = await create(
          at,
          contacts,
          Array.from({ length: 7 }, () => contactOf()),
        )
        await write(at, contacts, [{ kind: 'delete', key: 'gone', id: ids[2]! }])
        const pages = valueOf(
          await rounds.read(at.http, {
            modified: [
              { selection: companies, position: start, pageSize: 5 },
              { selection: contacts, position: start, pageSize: 5 },
            ],
            deleted: [
              { object: 'contact', cursor: begun.cursor },
              { object: 'company', cursor: companyCursor },
            ],
          }),
        )
        expect(pages.modified).toEqual([
          valueOf(await connector.poll(at.http, companies, start, 5)),
          valueOf(await connector.poll(at.http, contacts, start, 5)),
        ])
        expect(pages.modified[1]?.more).toBe(true)
        expect(pages.deleted.map(({ deleted }) => deleted.map(({ id }) => id))).toEqual([[ids[2]], []])
      })

      it('refuses a round with a cursor that is not its own', async () => {
        const round = { modified: [], deleted: [{ object: 'contact', cursor: 'nonsense' }] }
        expect(await rounds.read(account.http, round)).toMatchObject({ ok: false, failure: { action: 'resync' } })
      })
    }

    it('reports deletions from now on, and each of them', async () => {
      const at = await fresh()
      const ids = await create(
        at,
        contacts,
        Array.from({ length: 5 }, () => contactOf()),
      )
      const before = valueOf(await connector.deleted(at.http, 'contact', null))
      expect(before).toMatchObject({ deleted: [], more: false })
      subject.advance(5000)
      await write(
        at,
        contacts,
        [ids[1]!, ids[3]!].map((id, index) => ({ kind: 'delete', key: `${index}`, id })),
      )
      const after = valueOf(await connector.deleted(at.http, 'contact', before.cursor))
      expect(after.deleted.map(({ id }) => id).toSorted(byText)).toEqual([ids[1], ids[3]].toSorted(byText))
      subject.advance(600_000)
      await write(at, contacts, [{ kind: 'delete', key: 'last', id: ids[0]! }])
      const last = valueOf(await connector.deleted(at.http, 'contact', after.cursor))
      expect(last.deleted.map(({ id }) => id)).toContain(ids[0])
      const quiet = valueOf(await connector.deleted(at.http, 'contact', last.cursor))
      expect(quiet.deleted.map(({ id }) => id)).not.toContain(ids[1])
    })
  })

  describe('writing', () => {
    it('creates, changes and deletes in batches; what fails, fails alone', async () => {
      const created = await write(account, contacts, [contactOf(), contactOf({ [email]: 'no address' }), contactOf()])
      expect(created.map(({ outcome }) => outcome)).toEqual(['done', 'failed', 'done'])
      expect(created[1]).toMatchObject({ failure: { action: 'park' } })
      const [first, , third] = created.map((result) => (result.outcome === 'done' ? result.id : ''))
      const changed = await write(account, contacts, [
        update(first!, { [firstName]: '  Grace ', [phone]: '1' }),
        update(unknownId(first!), { [firstName]: 'Nobody' }),
        update(third!, { [email]: 'no address' }),
      ])
      expect(changed.map(({ outcome }) => outcome)).toEqual(['done', 'gone', 'failed'])
      const [record] = valueOf(await connector.get(account.http, contacts, [first!]))
      expect(record!.fields).toMatchObject({ [firstName]: 'Grace', [phone]: '1' })
      await write(account, contacts, [update(first!, { [phone]: null })])
      const [cleared] = valueOf(await connector.get(account.http, contacts, [first!]))
      expect(cleared!.fields[phone]).toBeNull()
      const remove = [{ kind: 'delete', key: 'd', id: first! }] as const
      expect(await write(account, contacts, remove)).toMatchObject([{ outcome: 'done' }])
      expect(await write(account, contacts, remove)).toMatchObject([{ outcome: 'done' }])
      expect(await write(account, contacts, [update(first!, { [phone]: '2' })])).toMatchObject([{ outcome: 'gone' }])
      expect(await write(account, contacts, [])).toEqual([])
    })

    it('never creates twice with one token: the record that exists is named', async () => {
      const operation = contactOf()
      const [id] = await create(account, contacts, [operation])
      const again = { ...operation, fields: { ...contactOf().fields, [firstName]: 'Other' } }
      expect(await write(account, contacts, [again, contactOf()])).toMatchObject([
        { key: operation.key, outcome: 'exists', id },
        { outcome: 'done' },
      ])
      const [record] = valueOf(await connector.get(account.http, contacts, [id!]))
      expect(record!.fields[firstName]).toBeNull()
    })

    it('sets, moves and clears a reference', async () => {
      const [acme, globex] = (await create(account, companies, [companyOf('A'), companyOf('B')])) as [string, string]
      const [id] = (await create(account, contacts, [contactOf({}, acme)])) as [string]
      const reference = async (): Promise<unknown> =>
        valueOf(await connector.get(account.http, contacts, [id]))[0]!.references['company']
      expect(await reference()).toBe(acme)
      const refer = (company: string | null): WriteOperation => ({ ...update(id, {}), references: { company } })
      for (const company of [globex, null, null, acme]) {
        expect(await write(account, contacts, [refer(company)])).toMatchObject([{ outcome: 'done', id }])
        expect(await reference()).toBe(company)
      }
      expect(await write(account, contacts, [refer(unknownId(acme))])).toMatchObject([
        { outcome: 'failed', failure: { action: 'park' } },
      ])
      expect(await write(account, contacts, [contactOf({}, unknownId(acme))])).toMatchObject([
        { outcome: 'failed', failure: { action: 'park' } },
      ])
    })

    it('refuses batches that are too large or mixed, before any call', async () => {
      const sizeMax = description.objects.find(({ name }) => name === 'contact')!.batchSizeMax
      const many = Array.from({ length: sizeMax + 1 }, () => contactOf())
      const silent: ConnectorHttp = { request: () => Promise.reject(new Error('called')) }
      expect(await connector.write(silent, contacts, many)).toMatchObject(failing('split_batch'))
      const mixed: WriteOperation[] = [contactOf(), { kind: 'delete', key: 'd', id: '1' }]
      expect(await connector.write(silent, contacts, mixed)).toMatchObject(failing('split_batch'))
    })

    it('takes a value of 1 MB, or parks it', async () => {
      const [result, other] = await write(account, contacts, [
        contactOf({ [firstName]: 'x'.repeat(1_000_000) }),
        contactOf(),
      ])
      const reason = result!.outcome === 'failed' ? result!.failure : null
      expect([null, 'park']).toContain(reason && reason.action)
      expect(JSON.stringify(reason).length).toBeLessThan(2000)
      expect(other!.outcome).toBe('done')
    })

    if (description.capabilities.conditionalWrites)
      it('refuses to overwrite what changed meanwhile', async () => {
        const [id] = (await create(account, contacts, [contactOf()])) as [string]
        const [read] = valueOf(await connector.get(account.http, contacts, [id]))
        subject.advance(5000)
        await write(account, contacts, [update(id, { [firstName]: 'Theirs' })])
        const ours = { ...update(id, { [firstName]: 'Ours' }), unmodifiedSince: read!.modifiedAt }
        expect(await write(account, contacts, [ours])).toMatchObject([{ outcome: 'changed' }])
        const [now] = valueOf(await connector.get(account.http, contacts, [id]))
        expect(now!.fields[firstName]).toBe('Theirs')
        const informed = { ...ours, unmodifiedSince: now!.modifiedAt }
        expect(await write(account, contacts, [informed])).toMatchObject([{ outcome: 'done' }])
      })
  })

  describe('failures', () => {
    it.each([...transport, ...subject.wordings])('$name', ({ answer, means }) => {
      expect(connector.classify(answer)).toMatchObject(means)
    })

    it('a wrong token asks for new credentials', async () => {
      const http = account.withToken('wrong')
      for (const answer of [
        await connector.list(http, contacts, null, 10),
        await connector.get(http, contacts, [unknownId('1'.repeat(18))]),
        await connector.write(http, contacts, [contactOf()]),
        await connector.identify(http),
      ]) {
        expect(answer).toMatchObject(failing('refresh_credentials'))
      }
    })

    it('rate limits and server errors of the provider ask to try again', async () => {
      const at = await fresh()
      await at.trouble({ status429Rate: 1 })
      expect(await connector.poll(at.http, contacts, start, 10)).toMatchObject({
        failure: { action: 'retry', scope: 'account' },
      })
      await at.trouble({ status5xxRate: 1 })
      expect(await connector.write(at.http, contacts, [contactOf()])).toMatchObject({
        failure: { action: 'retry', scope: 'call' },
      })
      await at.trouble({})
    })

    it('a create whose answer never came is found by its token', async () => {
      const at = await fresh()
      const operation = contactOf()
      await at.trouble({ timeoutAfterRate: 1, timeoutHoldMs: 1 })
      const lost = await connector.write(at.http, contacts, [operation])
      expect(lost).toMatchObject({ ok: false, failure: { action: 'retry', scope: 'call' } })
      await at.trouble({})
      const by = { kind: 'create_token', values: [operation.createToken] } as const
      const [found, ...others] = valueOf(await connector.find(at.http, contacts, by))
      expect(others).toEqual([])
      const again = await write(at, contacts, [operation])
      expect(again).toMatchObject([{ outcome: 'exists', id: found!.id }])
    })

    it('an answer of any shape is an answer, never an exception', async () => {
      expect.hasAssertions()
      const operations: readonly (readonly WriteOperation[])[] = [
        [contactOf(), contactOf()],
        [update('003000000000001AAA', { [firstName]: 'x' }), { ...update('2', {}), references: { company: '3' } }],
        [{ kind: 'delete', key: 'd', id: '003000000000001AAA' }],
      ]
      const status = fc.constantFrom(0, 200, 201, 204, 207, 301, 400, 401, 403, 404, 409, 412, 413, 418, 429, 500)
      const keys = fc.constantFrom('results', 'records', 'errors', 'paging', 'next', 'done', 'id', 'message', 'fields')
      const body = fc.oneof(fc.jsonValue(), fc.string(), fc.dictionary(keys, fc.jsonValue()))
      await fc.assert(
        fc.asyncProperty(fc.record({ status, headers: fc.constant({}), body }), async (answer) => {
          const http: ConnectorHttp = { request: () => Promise.resolve(answer) }
          const grant = { code: 'c', codeVerifier: 'v' }
          const credentials = {
            accessToken: 'a',
            refreshToken: 'r',
            expiresAtMs: null,
            instanceUrl: null,
            scopes: null,
          }
          const reads = [
            await connector.identify(http),
            await connector.prepare(http, ['contact']),
            await connector.list(http, contacts, null, 10),
            await connector.poll(http, contacts, start, 10),
            await connector.deleted(http, 'contact', null),
            await connector.get(http, contacts, ['003000000000001AAA']),
            await connector.find(http, contacts, { kind: 'create_token', values: ['t'] }),
            await connector.oauth.exchange(http, account.app, grant),
            await connector.oauth.refresh(http, account.app, credentials),
            await connector.oauth.revoke(http, account.app, credentials),
          ]
          const actions = reads.flatMap((read) => (read.ok ? [] : [read.failure.action]))
          expect(actions).not.toContain('park')
          expect(actions).not.toContain('split_batch')
          for (const batch of operations) {
            const keys = batch.map(({ key }) => key)
            const written = await connector.write(http, contacts, batch)
            expect(written.ok ? written.value.map(({ key }) => key) : keys).toEqual(keys)
          }
          connector.usage(answer)
        }),
        { numRuns: 150 },
      )
    })
  })

  describe('credentials', () => {
    it('are exchanged, refreshed and revoked', async () => {
      const { app, anonymous, baseUrl } = account
      // The example of RFC 7636, appendix B.
      const codeVerifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
      const request = { state: 'state-1', codeChallenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM' }
      const code = await account.consent(connector.oauth.authorizeUrl(app, request, baseUrl))
      const credentials = valueOf(await connector.oauth.exchange(anonymous, app, { code, codeVerifier }))
      const identity = await connector.identify(account.withToken(credentials.accessToken))
      expect(valueOf(identity).account).toBe(account.id)
      expect(await connector.oauth.exchange(anonymous, app, { code, codeVerifier })).toMatchObject(failing('pause'))

      const refreshed = valueOf(await connector.oauth.refresh(anonymous, app, credentials))
      expect(refreshed.refreshToken).not.toBeNull()
      expect(valueOf(await connector.identify(account.withToken(refreshed.accessToken))).account).toBe(account.id)

      expect(await connector.oauth.revoke(anonymous, app, refreshed)).toEqual({ ok: true, value: null })
      expect(await connector.oauth.refresh(anonymous, app, refreshed)).toMatchObject(failing('pause'))
      expect(await connector.oauth.revoke(anonymous, app, refreshed)).toEqual({ ok: true, value: null })
    })

    it('without a refresh token, or with a wrong secret, ask for a person', async () => {
      const credentials = { accessToken: 'a', refreshToken: null, expiresAtMs: null, instanceUrl: null, scopes: null }
      const { app, anonymous } = account
      expect(await connector.oauth.refresh(anonymous, app, credentials)).toMatchObject(failing('pause'))
      const wrong = { ...app, clientSecret: 'wrong' }
      const known = { ...credentials, refreshToken: 'r' }
      expect(await connector.oauth.refresh(anonymous, wrong, known)).toMatchObject(failing('pause'))
    })
  })

  describe('the description', () => {
    it('maps only objects, fields and references that exist and may be written', () => {
      for (const mapping of description.defaultMapping) {
        const object = description.objects.find(({ name }) => name === mapping.object)!
        for (const { field: name } of mapping.fields) expect(object.readOnlyFields).not.toContain(name)
        for (const { reference } of mapping.references)
          expect(object.references.map(({ name }) => name)).toContain(reference)
        for (const column of mapping.matchBy) expect(object.uniqueFields).toContain(field(mapping.object, column))
      }
    })

    it('has a budget of the name default', () => {
      expect(description.budgets.map(({ name }) => name)).toContain('default')
    })
  })
}

function update(id: string, fields: Readonly<Record<string, string | null>>): WriteOperation & { kind: 'update' } {
  return { kind: 'update', key: `update-${id}`, id, fields, references: {} }
}

/** An id of the same form that no record has. */
function unknownId(id: string): string {
  return /^\d+$/.test(id) ? '9'.repeat(id.length) : `${id.slice(0, 8)}0zzzzzzAAA`
}

function failing(action: Failure['action']): object {
  return { ok: false, failure: { action } }
}

function valueOf<T>(answer: { ok: true; value: T } | { ok: false; failure: Failure }): T {
  if (answer.ok) return answer.value
  throw new Error(`failed: ${JSON.stringify(answer.failure)}`)
}

function byText(a: string | undefined, b: string | undefined): number {
  return (a ?? '') < (b ?? '') ? -1 : 1
}
