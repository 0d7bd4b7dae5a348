// Failures: what a provider in trouble says, and what it is understood as. None is an exception, none is
// taken for an answer.
import * as fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Answer, WriteOperation, WriteResult } from '../connector.ts'
import type { ConnectorHttp, HttpAnswer } from '../http.ts'
import { failing, refer, remove, Scene, start, unknownId, update, valueOf } from './scene.ts'
import type { ConformanceObject, ConformanceSubject } from './subject.ts'

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

export function testWordings({ connector, wordings }: ConformanceSubject): void {
  describe('wordings', () => {
    it.each([...transport, ...wordings])('$name', ({ answer, means }) => {
      expect(connector.classify(answer)).toMatchObject(means)
    })
  })
}

export function testFailures(subject: ConformanceSubject, spec: ConformanceObject): void {
  const { connector } = subject

  describe('failures', () => {
    let scene: Scene
    beforeAll(async () => {
      scene = await Scene.open(subject, spec)
    })
    const everyRead = async (http: ConnectorHttp, id: string): Promise<Answer<unknown>[]> => [
      await connector.objects(http),
      await connector.schema(http, spec.object),
      await connector.list(http, scene.selection, null, 10),
      await connector.poll(http, scene.selection, start, 10),
      await connector.get(http, scene.selection, [id]),
      await connector.deleted(http, spec.object, null),
      ...(spec.tokens ? [await connector.find(http, scene.selection, { kind: 'create_token', values: ['t'] })] : []),
    ]
    const writeX = (http: ConnectorHttp, id: string): Promise<Answer<readonly WriteResult[]>> =>
      connector.write(http, scene.selection, [update(id, { [spec.text]: 'x' })])
    const everyQuestion = async (http: ConnectorHttp, id: string): Promise<Answer<unknown>[]> => [
      ...(await everyRead(http, id)),
      await writeX(http, id),
    ]

    it('a wrong token asks for new credentials', async () => {
      const http = scene.account.withToken('wrong')
      const answers = await everyQuestion(http, await scene.makeOne())
      for (const answer of [...answers, await connector.identify(http)])
        expect(answer).toMatchObject(failing('refresh_credentials'))
    })

    it('rate limits and server errors ask to try again', async () => {
      const id = await scene.makeOne()
      await scene.account.trouble({ status429Rate: 1 })
      for (const answer of await everyQuestion(scene.http, id))
        expect(answer).toMatchObject({ failure: { action: 'retry', scope: 'account' } })
      await scene.account.trouble({ status5xxRate: 1 })
      for (const answer of await everyQuestion(scene.http, id))
        expect(answer).toMatchObject({ failure: { action: 'retry', scope: 'call' } })
      await scene.account.trouble({})
    })

    it.each([
      ['HTML with a status that says all is well', { htmlRate: 1 }],
      ['an error in JSON with a status that says all is well', { errorBodyRate: 1 }],
      ['JSON that ends in the middle', { truncatedRate: 1 }],
    ])('%s is no answer', async (_, trouble) => {
      const id = await scene.makeOne()
      await scene.account.trouble(trouble)
      const answers = await everyRead(scene.http, id)
      const written = await writeX(scene.http, id)
      await scene.account.trouble({})
      for (const answer of answers) expect(answer).toMatchObject(failing('retry'))
      const [result] = written.ok ? written.value : []
      // An answer without a body cannot be cut or made HTML: what it says is done. Anything else is not known to be.
      const isDone = result?.outcome === 'done'
      expect(isDone ? (await scene.get(id))!.fields[spec.text] : 'x').toBe('x')
      expect(isDone ? failing('retry') : (result ?? written)).toMatchObject({ failure: { action: 'retry' } })
    })

    it('a write is done when the provider says so, not when it says something else with status 200', async () => {
      const id = await scene.makeOne()
      const since = (await scene.get(id))!.modifiedAt
      for (const operation of [
        update(id, { [spec.text]: 'x' }),
        { ...update(id, { [spec.text]: 'x' }), unmodifiedSince: since },
        remove(id),
        await scene.next(),
      ]) {
        await scene.account.trouble({ errorBodyRate: 1 })
        const written = await connector.write(scene.http, scene.selection, [operation])
        await scene.account.trouble({})
        const [result] = written.ok ? written.value : []
        expect(result ?? written).toMatchObject({ failure: { action: 'retry' } })
      }
    })

    it('a page that comes again is noticed, and not taken for the next one', async () => {
      const at = await Scene.open(subject, spec)
      await at.make(await at.several(12))
      const first = valueOf(await connector.list(at.http, at.selection, null, 5))
      await at.account.trouble({ repeatedPageRate: 1 })
      const second = await connector.list(at.http, at.selection, first.next, 5)
      await at.account.trouble({})
      const seen = new Set(first.records.map(({ id }) => id))
      const again = second.ok ? second.value.records.filter(({ id }) => seen.has(id)) : []
      expect(second.ok ? null : second.failure.action).toBe(second.ok ? null : 'retry')
      expect(again).toEqual([])
    })

    it('an answer of any shape is an answer, never an exception', async () => {
      expect.hasAssertions()
      const id = unknownId(await scene.makeOne())
      const operations: readonly (readonly WriteOperation[])[] = [
        await scene.several(2),
        [update(id, { [spec.text]: 'x' }), ...spec.references.map(({ reference }) => refer(`${id}1`, reference, id))],
        [remove(id)],
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
            ...(await everyRead(http, id)),
            await connector.identify(http),
            await connector.prepare(http, [spec.object]),
            await connector.find(http, scene.selection, { kind: 'create_token', values: ['t'] }),
            ...(connector.history ? [await connector.history.read(http, scene.selection, [id])] : []),
            await connector.oauth.exchange(http, scene.account.app, grant),
            await connector.oauth.refresh(http, scene.account.app, credentials),
            await connector.oauth.revoke(http, scene.account.app, credentials),
          ]
          const actions = reads.flatMap((read) => (read.ok ? [] : [read.failure.action]))
          expect(actions).not.toContain('park')
          expect(actions).not.toContain('split_batch')
          for (const batch of operations) {
            const keys = batch.map(({ key }) => key)
            const written = await connector.write(http, scene.selection, batch)
            expect(written.ok ? written.value.map(({ key }) => key) : keys).toEqual(keys)
          }
          connector.usage(answer)
        }),
        { numRuns: 60 },
      )
    })
  })
}
