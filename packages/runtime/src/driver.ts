// The part of `pg` that the runtime uses, as structural types, and the one place that loads it.
// `pg` is a peer dependency: the application chooses its version and its type parsers, and rows and
// parameters read and write exactly as they do there. Nothing else in the runtime may import it.
import { RowhouseError } from '@rowhouse/contracts'

export interface Field {
  readonly name: string
  readonly tableID: number
  readonly columnID: number
  readonly dataTypeID: number
  readonly dataTypeSize: number
  readonly dataTypeModifier: number
  readonly format: string
}

/** The shape of pg's QueryResult. */
export interface QueryResult<Row = Record<string, unknown>> {
  readonly command: string
  readonly rowCount: number | null
  readonly oid: number | null
  readonly fields: Field[]
  readonly rows: Row[]
}

export type TypeParser = (value: string) => unknown

/** The socket side of a pg client, as a submittable is handed it. */
export interface WireConnection {
  readonly stream: { write(bytes: Uint8Array): boolean; destroy(): void; readonly writable: boolean }
  /** The status is the server's word: idle, in a transaction, in a failed one. pg tells a submittable only of success. */
  on(event: 'readyForQuery', listener: (message: { readonly status: 'I' | 'T' | 'E' }) => void): unknown
}

/** pg's protocol for queries of one's own, as pg-cursor and pg-query-stream use it. */
export interface Submittable {
  submit(connection: WireConnection): Error | null
  handleRowDescription(message: { readonly fields: Field[] }): void
  /** `length` is the message's, in bytes. */
  handleDataRow(message: { readonly fields: (string | null)[]; readonly length: number }): void
  handleCommandComplete(message: { readonly text: string }): void
  handleEmptyQuery(): void
  handlePortalSuspended(): void
  handleCopyInResponse(connection: WireConnection): void
  handleCopyData(): void
  handleError(error: Error, connection: WireConnection): void
  handleReadyForQuery(connection: WireConnection): void
}

export interface PgClient {
  readonly processID: number | null
  readonly secretKey: number | null
  readonly host: string
  readonly port: number
  readonly ssl: unknown
  connect(): Promise<unknown>
  end(): Promise<void>
  query(submittable: Submittable): unknown
  query(text: string): Promise<{ readonly rows: Record<string, unknown>[] }>
  getTypeParser(oid: number, format?: string): TypeParser
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'end', listener: () => void): unknown
  readonly connection: WireConnection
}

/** Where a client connects to, and as whom: a URL, or its parts where the encryption is for us to say. */
export type PgTarget =
  | { readonly connectionString: string }
  | {
      readonly host: string
      readonly port: number
      readonly database: string
      readonly user: string
      readonly password: string
      readonly ssl: false | { readonly rejectUnauthorized: true; readonly host: string; readonly ca?: string }
    }

export type PgClientConfig = PgTarget & PgSession

interface PgSession {
  readonly application_name: string
  readonly connectionTimeoutMillis: number
  readonly keepAlive: boolean
  readonly statement_timeout?: number
}

export interface Driver {
  connect(config: PgClientConfig): PgClient
  /** Asks the server, over a connection of its own, to stop what this client has it do. Says nothing when it cannot. */
  cancel(client: PgClient): void
  /** A JavaScript value as pg would send it: text, bytes, or null. */
  readonly prepareValue: (this: void, value: unknown) => string | Uint8Array | null
}

/** pg's bare connection, which speaks the protocol before any login. */
interface CancelConnection {
  readonly stream: { end(): void }
  on(event: string, listener: () => void): void
  connect(port: number | string, host?: string): void
  requestSsl(): void
  cancel(processId: number, secretKey: number): void
}

interface Pg {
  readonly Client: new (config: PgClientConfig) => PgClient
  readonly Connection: new (config: { readonly ssl: unknown }) => CancelConnection
}

function cancel(pg: Pg, { processID, secretKey, host, port, ssl }: PgClient): void {
  if (processID === null || secretKey === null) return
  const connection = new pg.Connection({ ssl })
  const ask = (): void => {
    connection.cancel(processID, secretKey)
    connection.stream.end()
  }
  connection.on('error', () => {})
  if (ssl === false) {
    connection.on('connect', ask)
  } else {
    connection.on('connect', () => connection.requestSsl())
    connection.on('sslconnect', ask)
  }
  if (host.startsWith('/')) connection.connect(`${host}/.s.PGSQL.${port}`)
  else connection.connect(port, host)
}

/** Loads pg on first use. @throws RowhouseError invalid_option when the application has not installed it. */
export async function loadDriver(): Promise<Driver> {
  try {
    const pg = (await import('pg')) as unknown as Pg
    const utils = await import('pg/lib/utils.js')
    return {
      connect: (config) => new pg.Client(config),
      cancel: (client) => {
        cancel(pg, client)
      },
      prepareValue: utils.default.prepareValue,
    }
  } catch (error) {
    throw new RowhouseError('invalid_option', 'The package "pg" is not installed.', {
      hint: 'Add it to the application: npm install pg',
      cause: error,
    })
  }
}
