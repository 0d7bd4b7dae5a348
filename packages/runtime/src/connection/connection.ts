// One connection to Postgres, used by one caller at a time: it turns steps into a batch, parses each text once,
// and remembers for which organization it worked last. Whether it may be used again is for others to say.
import { randomBytes } from 'node:crypto'

import type { Driver, PgClient } from '../driver.ts'
import { Batch } from '../wire/batch.ts'
import type { Outcome } from '../wire/batch.ts'
import { MessageWriter } from '../wire/message-writer.ts'
import type { WireValue } from '../wire/message-writer.ts'
import { StatementCache } from '../wire/statement.ts'
import type { Statement } from '../wire/statement.ts'

export interface Step {
  readonly text: string
  readonly values: readonly unknown[]
  /** Parsed for this once and kept under no name. */
  readonly once?: boolean
}

/** Most statements one connection keeps parsed. */
const STATEMENTS_MAX = 200

const SEED_BYTES = 6

const bare = (text: string): Step => ({ text, values: [] })

/** RESET ALL leaves the role alone, and what lastval() tells. */
const RESET_SETTINGS = ['reset all', 'reset role', 'discard sequences'].map(bare)

/** What a session keeps and a transaction does not, besides settings: temporary tables, cursors, channels. */
const RESET_SESSION = [...RESET_SETTINGS, ...['discard temp', 'close all', 'unlisten *'].map(bare)]

/** Where random() goes on from, which RESET leaves alone: whoever set it, or saw enough of it, knows what comes next. */
const reseed = (): Step => ({
  text: 'select pg_catalog.setseed($1)',
  values: [(randomBytes(SEED_BYTES).readUIntBE(0, SEED_BYTES) / 2 ** (8 * SEED_BYTES - 1) - 1).toString()],
})
/** Sent before a connection works for another organization, as a transaction of its own, in the same write. */
const reset = (): readonly Step[] => [...RESET_SESSION, reseed()]

// Building a batch is synchronous, so one scratch buffer serves every connection.
const writer = new MessageWriter()

export class Connection {
  /** The organization whose work it did last; undefined until it did any. */
  organization: string | null | undefined = undefined
  /** Set when the connection must not serve anybody again. */
  broken = false
  /** On the pool's clock. */
  restedAtMs = 0
  readonly client: PgClient
  readonly #driver: Driver
  readonly #prepared: boolean
  readonly #statements = new StatementCache(randomBytes(8).toString('hex'), STATEMENTS_MAX)
  readonly #outstanding: Batch[] = []
  readonly #getTypeParser: (oid: number, format: string) => (value: string) => unknown
  #brokenBy: Error | undefined

  /** @param client connected and idle */
  constructor(client: PgClient, driver: Driver, preparedStatements: boolean) {
    this.client = client
    this.#driver = driver
    this.#prepared = preparedStatements
    this.#getTypeParser = (oid, format) => client.getTypeParser(oid, format)
    client.connection.on('readyForQuery', ({ status }) => this.#outstanding.shift()?.finish(status))
    client.on('error', (error) => {
      this.broken = true
      this.#brokenBy ??= error
    })
    client.on('end', () => {
      this.broken = true
      for (const batch of this.#outstanding.splice(0)) batch.finish('broken', this.#brokenBy)
    })
  }

  /**
   * Sends the steps as one batch, in one write; the result is the last step's.
   * Where `organization` is not the one it last worked for, the write begins with a reset.
   */
  run(organization: string | null, steps: readonly Step[], done: (outcome: Outcome) => void): void {
    // Nobody's organization is nobody's twice: two people without one are no more alike than two organizations.
    const isSame = organization !== null && this.organization === organization
    if (!this.#prepared) {
      this.#send(withReset(steps), done)
    } else if (isSame || this.organization === undefined) {
      this.#send(steps, done)
    } else {
      this.#sendAfterReset(steps, done)
    }
    this.organization = organization
  }

  /** Where the reset failed, what ran after it cannot be trusted, and neither can the connection. */
  #sendAfterReset(steps: readonly Step[], done: (outcome: Outcome) => void): void {
    let failure: Error | null = null
    const noteReset = ({ error }: Outcome): void => {
      failure = error
    }
    this.#send(reset(), noteReset, steps, (outcome) => {
      if (failure !== null) this.broken = true
      done(failure === null ? outcome : { ...outcome, status: 'broken', error: failure })
    })
  }

  /** Sends steps in the transaction that is open. */
  continue(steps: readonly Step[], done: (outcome: Outcome) => void): void {
    this.#send(steps, done)
  }

  /** Sends steps in the transaction that is open, in one write; each is a batch of its own, answered in their order. */
  continueEach(steps: readonly Step[], done: (outcome: Outcome) => void): void {
    const prepared: Prepared[] = []
    let bytes: Buffer
    try {
      for (const step of steps) prepared.push(this.#write([step]))
      bytes = writer.take()
    } catch (error) {
      writer.clear()
      throw error
    }
    // All are on their way; pg is told of each when the one before it was answered, because it is to lose its queue.
    const submit = (index: number): void => {
      const one = prepared[index]
      if (one === undefined) return
      this.#submit(index === 0 ? bytes : bytes.length, one, (outcome) => {
        submit(index + 1)
        done(outcome)
      })
    }
    submit(0)
  }

  /** Ends the connection at once; running batches finish as broken, and the server is asked to stop them. */
  destroy(): void {
    this.broken = true
    // A server notices a lost client only when it has something to say to it.
    if (this.#outstanding.length > 0) this.#driver.cancel(this.client)
    this.client.connection.stream.destroy()
  }

  /** Says goodbye to the server. */
  async end(): Promise<void> {
    this.broken = true
    await this.client.end()
  }

  #send(
    steps: readonly Step[],
    done: (outcome: Outcome) => void,
    nextSteps?: readonly Step[],
    nextDone?: (outcome: Outcome) => void,
  ): void {
    let first: Prepared
    let next: Prepared | undefined
    let bytes: Buffer
    try {
      first = this.#write(steps)
      if (nextSteps !== undefined) next = this.#write(nextSteps)
      bytes = writer.take()
    } catch (error) {
      writer.clear()
      throw error
    }
    this.#submit(bytes, first, done)
    // pg submits it when the first is answered; its bytes are already on their way.
    if (next !== undefined && nextDone !== undefined) this.#submit(bytes.length, next, nextDone)
  }

  #submit(bytes: Buffer | number, { statements, fresh, last }: Prepared, done: (outcome: Outcome) => void): void {
    const batch = new Batch(bytes, last, statements.length, this.#getTypeParser, (outcome) => {
      if (this.#prepared) this.#settle(statements, fresh, outcome)
      done(outcome)
    })
    // A client that broke between two batches answers nothing and has already said that it ended.
    if (this.broken) {
      batch.finish('broken', this.#brokenBy)
      return
    }
    this.#outstanding.push(batch)
    this.client.query(batch)
  }

  #write(steps: readonly Step[]): Prepared {
    for (const name of this.#statements.takeClosing()) writer.closeStatement(name)
    const statements: Statement[] = []
    let fresh = 0
    let last: Statement | undefined
    for (let index = 0; index < steps.length; index += 1) {
      const { text, values, once } = steps[index] as Step
      const isKept = this.#prepared && once !== true
      let statement = isKept ? this.#statements.find(text) : undefined
      if (statement === undefined) {
        statement = isKept ? this.#statements.create(text) : { name: '', text, shape: undefined }
        writer.parse(statement.name, text)
        fresh |= 1 << index
      }
      writer.bind(statement.name, this.#serialize(values))
      if (index === steps.length - 1 && statement.shape === undefined) writer.describePortal()
      writer.execute()
      statements.push(statement)
      last = statement
    }
    if (last === undefined) throw new TypeError('A batch has at least one step.')
    writer.sync()
    return { statements, fresh, last }
  }

  #serialize(values: readonly unknown[]): readonly WireValue[] {
    const serialized = Array.from<WireValue>({ length: values.length })
    for (let index = 0; index < values.length; index += 1) {
      const value = values[index]
      serialized[index] = typeof value === 'string' ? value : this.#driver.prepareValue(value)
    }
    return serialized
  }

  /** Keeps what surely was parsed; what failed or came after a failure is closed and parsed anew another time. */
  #settle(statements: readonly Statement[], fresh: number, { error, completed }: Outcome): void {
    if (fresh === 0 && error === null) return
    // One that is gone went with the others: DEALLOCATE ALL, or another server connection behind a pooler.
    if (isUnknownStatement(error)) this.#statements.clear()
    for (let index = 0; index < statements.length; index += 1) {
      const statement = statements[index] as Statement
      if (statement.name === '') continue
      const isFresh = (fresh & (1 << index)) !== 0
      if (index < completed) {
        if (isFresh) this.#statements.keep(statement)
      } else if (isFresh || index === completed) {
        this.#statements.forget(statement)
      }
    }
  }
}

const UNDEFINED_STATEMENT = '26000'

function isUnknownStatement(error: Error | null): boolean {
  return error !== null && 'code' in error && error.code === UNDEFINED_STATEMENT
}

interface Prepared {
  readonly statements: readonly Statement[]
  /** Bit n is set where step n is parsed in this batch. */
  readonly fresh: number
  readonly last: Statement
}

/**
 * The reset for poolers, where each batch may meet another server connection and a reset of its own would miss:
 * settings go before the work, in its transaction. A BEGIN stays first, and names its
 * isolation and access mode, because the defaults it would take are settings as well.
 */
function withReset(steps: readonly Step[]): readonly Step[] {
  const begins = steps[0]?.text.startsWith('begin') ?? false
  const settings = [...RESET_SETTINGS, reseed()]
  return begins ? [...steps.slice(0, 1), ...settings, ...steps.slice(1)] : [...settings, ...steps]
}
