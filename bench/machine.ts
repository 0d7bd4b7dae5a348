// What the numbers were measured on, so that a result can be read years later.
import { cpus, loadavg, platform, release, totalmem } from 'node:os'

export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGb: number
  readonly os: string
  readonly node: string
  readonly postgres: string
  /** Load average of the minute before: well below `cores` on a machine that does nothing else. */
  readonly loadBefore: number
}

export function describeMachine(postgres: string): Machine {
  const processors = cpus()
  return {
    cpu: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    os: `${platform()} ${release()}`,
    node: process.version,
    postgres,
    loadBefore: Math.round((loadavg()[0] ?? 0) * 10) / 10,
  }
}
