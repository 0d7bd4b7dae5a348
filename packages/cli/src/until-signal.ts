// Runs something until a person or a supervisor asks for its end. The second request does not wait.

/**
 * Resolves with the exit code once `stop` has finished after SIGINT, SIGTERM or SIGHUP, or after the process
 * that started this one is gone (where it left a channel). A second signal exits at once with 1.
 */
export function untilSignal(stop: () => Promise<void>, onStopping: () => void = () => {}): Promise<void> {
  return new Promise((resolve, reject) => {
    let stopping = false
    const end = (): void => {
      if (stopping) process.exit(1)
      stopping = true
      onStopping()
      stop().then(() => {
        for (const signal of signals) process.off(signal, end)
        process.off('disconnect', end)
        if (process.connected) process.disconnect()
        resolve()
      }, reject)
    }
    for (const signal of signals) process.on(signal, end)
    process.on('disconnect', end)
  })
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
