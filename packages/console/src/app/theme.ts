// Light, dark or as the system has it. The choice is kept in this browser; public/theme.js applies it
// before the first paint.
import { useSyncExternalStore } from 'react'

export const themes = ['system', 'light', 'dark'] as const
export type Theme = (typeof themes)[number]
const KEY = 'rowhouse-theme'
const listeners = new Set<() => void>()

const current = (): Theme => themes.find((theme) => theme === document.documentElement.dataset['theme']) ?? 'system'

export function setTheme(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset['theme']
  else document.documentElement.dataset['theme'] = theme
  try {
    localStorage.setItem(KEY, theme)
  } catch {
    // Storage may be forbidden: the choice then lasts until the page is left.
  }
  for (const listener of listeners) listener()
}

const systemIsDark = matchMedia('(prefers-color-scheme: dark)')

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  systemIsDark.addEventListener('change', listener)
  return () => {
    listeners.delete(listener)
    systemIsDark.removeEventListener('change', listener)
  }
}

export const useTheme = (): Theme => useSyncExternalStore(subscribe, current)
/** What is on the screen now. */
export const useIsDark = (): boolean =>
  useSyncExternalStore(subscribe, () => (current() === 'system' ? systemIsDark.matches : current() === 'dark'))
