// Every connector there is. Adding one touches its own folder and one line here.
import { hubspot } from './hubspot/index.ts'
import type { Connector } from './kit/connector.ts'
import { salesforce } from './salesforce/index.ts'

/** By id, as it stands in a connection. */
export const connectors: ReadonlyMap<string, Connector> = new Map(
  [hubspot, salesforce].map((connector) => [connector.id, connector]),
)
