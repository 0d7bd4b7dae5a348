// Runs something until a person or a supervisor asks for its end. The second request does not wait.

/**
 * Resolves with the exit code once `stop` has finished after SIGINT, SIGTERM or SIGHUP, or after the process
 * that started this one is gone (where it left a channel). A second signal exits at once with 1.
 */
export async function untilSignal(stop: () => Promise<void>, onStopping: () => void = () => {}): Promise<void> {
  await new Promise<void>((resolve) => {
    for (const event of events) process.once(event, () => resolve())
  })
  for (const event of events) process.on(event, () => process.exit(1))
  onStopping()
  await stop()
  for (const event of events) process.removeAllListeners(event)
  if (process.connected) process.disconnect()
}

const events = ['SIGINT', 'SIGTERM', 'SIGHUP', 'disconnect'] as const
