// Every connector there is. A folder beside this file that has an index.ts is one: `npm run generate` lists them.
import { connectorFolders } from './generated/folders.ts'
import type { Connector } from './kit/connector.ts'

/** By id, as it stands in a connection. */
export const connectors: ReadonlyMap<string, Connector> = new Map(
  connectorFolders.map((connector) => [connector.id, connector]),
)
