// The control plane: HTTP API, live events, console, workers.
export { readServerConfig } from './config/config.ts'
export type { IssuerConfig, ServerConfig } from './config/config.ts'
export { startServer, startWorker } from './start.ts'
export type { RunningServer, ServerOptions } from './start.ts'
export { createLog } from './log/log.ts'
export type { Log, ServerLogEvent } from './log/log.ts'
export type { Sync } from './sync.ts'
