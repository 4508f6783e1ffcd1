import { signal, type Signal } from "@preact/signals";

/** The tab of the pane on the right. */
export const side = signal("Story");

export function Tabs({ names, tab, label, marks = {} }: { names: string[]; tab: Signal<string>; label: string; marks?: Record<string, string> }) {
  const keys = (event: KeyboardEvent) => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    const next = names[(names.indexOf(tab.value) + step + names.length) % names.length];
    tab.value = next;
    (event.currentTarget as HTMLElement).querySelector<HTMLElement>(`[data-tab="${next}"]`)?.focus();
  };
  return (
    <div class="tabs" role="tablist" aria-label={label} onKeyDown={keys}>
      {names.map((name) => (
        <button key={name} role="tab" data-tab={name} aria-selected={tab.value === name} tabIndex={tab.value === name ? 0 : -1} onClick={() => (tab.value = name)}>
          {name}
          {marks[name] ? ` ${marks[name]}` : ""}
        </button>
      ))}
    </div>
  );
}
