// Comfort only: every page works without this file.
"use strict";

// Times in the reader's own time zone; the page says UTC.
function localTimes(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (isNaN(at)) continue;
    time.title = time.dateTime;
    time.textContent = at.toLocaleString([], { dateStyle: "medium", timeStyle: "medium", hourCycle: "h23" });
  }
  for (const zone of document.querySelectorAll("[data-zone]")) {
    zone.textContent = Intl.DateTimeFormat().resolvedOptions().timeZone;
  }
}

// Parts with data-refresh="SECONDS" are fetched anew, unless somebody is at work in them.
let timer;
function refreshing() {
  const parts = [...document.querySelectorAll("[data-refresh][id]")];
  if (!parts.length) return;
  const pause = Math.min(...parts.map((part) => Number(part.dataset.refresh) || 10)) * 1000;
  clearTimeout(timer);
  timer = setTimeout(refresh, pause);
}

async function refresh() {
  try {
    if (document.hidden) return;
    const answer = await fetch(location.href, { headers: { "X-Instep-Refresh": "1" }, redirect: "manual" });
    if (answer.type === "opaqueredirect") { location.reload(); return; }
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of document.querySelectorAll("[data-refresh][id]")) {
      const other = fresh.getElementById(part.id);
      if (other && part.innerHTML !== other.innerHTML && !part.contains(document.activeElement)) {
        part.replaceWith(document.adoptNode(other));
        localTimes(document.getElementById(part.id));
      }
    }
  } catch { /* the next round tries again */ } finally { refreshing(); }
}

// j and k go along a list of items; a key of data-key presses the button that shows it, in the current item.
let current = -1;
function items() { return [...document.querySelectorAll("[data-item]")]; }
function goTo(number) {
  const all = items();
  if (!all.length) return;
  current = Math.max(0, Math.min(number, all.length - 1));
  all.forEach((item, at) => item.toggleAttribute("data-current", at === current));
  all[current].focus({ preventScroll: true });
  all[current].scrollIntoView({ block: "nearest" });
}
function typing(target) {
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) && target.type !== "checkbox";
}
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  const inside = event.target.closest?.("[data-item]");
  if (inside) current = items().indexOf(inside);
  if (event.key === "j") goTo(current + 1);
  else if (event.key === "k") goTo(current - 1);
  else if (event.key === "/") document.querySelector("[data-search]")?.focus();
  else {
    const item = items()[current];
    const button = item?.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
    if (!button) return;
    if (button.tagName === "INPUT") button.checked = !button.checked; else button.click();
  }
  event.preventDefault();
});

document.addEventListener("click", async (event) => {
  const copy = event.target.closest("[data-copy]");
  if (copy) {
    await navigator.clipboard.writeText(document.getElementById(copy.dataset.copy).textContent);
    copy.textContent = "Copied";
  }
  const all = event.target.closest("[data-all]");
  if (all) {
    for (const box of document.querySelectorAll(`input[type=checkbox][name="${CSS.escape(all.dataset.all)}"]`)) box.checked = all.checked;
  }
});

// A form with data-sure asks before it is sent; a button is pressed once.
document.addEventListener("submit", (event) => {
  const sure = event.submitter?.dataset.sure || event.target.dataset.sure;
  if (sure && !confirm(sure)) { event.preventDefault(); return; }
  setTimeout(() => { for (const button of event.target.querySelectorAll("button")) button.disabled = true; });
});
addEventListener("pageshow", () => { for (const button of document.querySelectorAll("form button:disabled:not([data-off])")) button.disabled = false; });

// Parts with data-live are fetched as soon as something changed; a page that nobody sees listens to nothing.
let events;
function listening() {
  if (document.hidden || !document.querySelector("[data-live]")) { events?.close(); events = undefined; return; }
  if (events) return;
  events = new EventSource("/events");
  events.onmessage = () => { clearTimeout(timer); timer = setTimeout(refresh, 100); };
}
document.addEventListener("visibilitychange", listening);

localTimes(document);
refreshing();
listening();
