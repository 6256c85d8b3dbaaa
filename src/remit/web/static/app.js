// What the pages do by themselves: keys, dialogs, copying, the theme, times that stay true. No page needs it to be read.
"use strict";

const root = document.documentElement;
const find = (selector, inside = document) => inside.querySelector(selector);
const all = (selector, inside = document) => [...inside.querySelectorAll(selector)];

// --- keys

let going = false; // whether `g` was pressed just now

function isTyping(target) {
  return target instanceof Element && target.closest("input, textarea, select, [contenteditable]") !== null;
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.key === "Escape") return leave(event);
  if (isTyping(event.target) || find("dialog[open]")) return;
  if (going) {
    going = false;
    const place = find(`[data-go="${CSS.escape(event.key)}"]`);
    if (place) { event.preventDefault(); location.assign(place.href); }
    return;
  }
  const act = KEYS[event.key] || (() => keyed(event.key));
  if (act() !== false) event.preventDefault();
}

const KEYS = {
  "g": () => { going = true; setTimeout(() => { going = false; }, 1500); },
  "/": () => { const field = find("#search"); field?.focus(); field?.select(); },
  "?": () => open("keys"),
  "!": () => open("stop"),
  "j": () => step(1),
  "k": () => step(-1),
};

function leave(event) {
  if (isTyping(event.target) && !event.target.closest("dialog")) event.target.blur();
  all("details.me[open]").forEach((menu) => { menu.open = false; });
}

// Rows are walked by moving the focus to their first link, so Enter opens them and a refresh keeps them.
function step(by) {
  const rows = all("[data-row]").filter((row) => row.offsetParent !== null);
  if (rows.length === 0) return false;
  const now = rows.findIndex((row) => row.contains(document.activeElement));
  const next = rows[now < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(Math.max(now + by, 0), rows.length - 1)];
  const link = next.matches("a") ? next : find("a, button:not(.copy)", next) || next;
  link.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
  return true;
}

// A letter of the page's own: a field gets the focus, a summary opens, a button or link is pressed.
function keyed(key) {
  if (!/^[a-z]$/.test(key)) return false;
  const target = find(`[data-key="${key}"]`);
  if (!target) return false;
  for (let around = target.closest("details"); around; around = around.parentElement?.closest("details")) around.open = true;
  target.scrollIntoView({ block: "center" });
  if (target.matches("input, textarea, select, summary")) target.focus({ preventScroll: true });
  else target.click();
  return true;
}

document.addEventListener("keydown", pressed);

// --- dialogs

function open(id) {
  const dialog = document.getElementById(id);
  if (!(dialog instanceof HTMLDialogElement) || dialog.open) return false;
  dialog.showModal();
  all("[hx-trigger~='opened']", dialog).forEach((part) => part.dispatchEvent(new CustomEvent("opened", { bubbles: true })));
  find("input:not([type=hidden]), textarea, select", dialog)?.focus();
  return true;
}

document.addEventListener("click", (event) => {
  const target = event.target instanceof Element ? event.target : null;
  const opener = target?.closest("[data-opens]");
  if (opener && open(opener.dataset.opens)) event.preventDefault();
  if (target?.closest("[data-closes]")) target.closest("dialog")?.close();
  if (target instanceof HTMLDialogElement && event.target === target && isOutside(target, event)) target.close();
  const copier = target?.closest("[data-copy]");
  if (copier) copy(copier);
  const fill = target?.closest("[data-fill]");
  if (fill) fillIn(fill);
  const theme = target?.closest("button[data-theme]");
  if (theme) choose(theme.dataset.theme);
  all("details.me[open]").forEach((menu) => { if (!menu.contains(target)) menu.open = false; });
});

function isOutside(dialog, event) {
  const box = dialog.getBoundingClientRect();
  const within = event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
  return !within && event.detail > 0;
}

// A proposal is put into the field that it was made for.
function fillIn(button) {
  const field = find("input[hx-get]", button.closest("form"));
  field.value = button.dataset.fill;
  field.focus();
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

// --- what was chosen last is offered first, in this tab, until something else is chosen

document.addEventListener("change", (event) => {
  const field = event.target instanceof Element ? event.target.closest("select[data-remember]") : null;
  if (field) sessionStorage.setItem(`chosen:${field.dataset.remember}`, field.value);
});

function remember() {
  all("select[data-remember]").forEach((field) => {
    const chosen = sessionStorage.getItem(`chosen:${field.dataset.remember}`);
    if (!field.value && chosen && find(`option[value="${CSS.escape(chosen)}"]`, field)) field.value = chosen;
  });
}

// --- copying

async function copy(button) {
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.classList.add("copied");
    say("Copied");
    setTimeout(() => button.classList.remove("copied"), 1200);
  } catch {
    say(`Copy it by hand: ${button.dataset.copy}`);
  }
}

function say(text) {
  const toast = document.createElement("p");
  toast.className = "toast";
  toast.textContent = text;
  find("#toasts").append(toast);
  fade(toast);
}

function fade(toast) { setTimeout(() => toast.remove(), 6000); }

// --- theme: a cookie, so that the server sends the page in it at once

function choose(theme) {
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `theme=${theme}; path=/; samesite=strict; max-age=${theme ? 31536000 : 0}${secure}`;
  if (theme) root.dataset.theme = theme; else delete root.dataset.theme;
  showTheme();
}

function showTheme() {
  all(".themes button").forEach((button) => {
    button.setAttribute("aria-pressed", String(button.dataset.theme === (root.dataset.theme || "")));
  });
}

// --- times

const STEPS = [[60, "s", 1], [3600, "min", 60], [172800, "h", 3600], [8640000, "d", 86400], [Infinity, "months", 2592000]];

function tell(time) {
  const seconds = (Date.now() - Date.parse(time.dateTime)) / 1000;
  const span = Math.abs(seconds);
  const [, unit, length] = STEPS.find(([below]) => span < below);
  const told = `${Math.floor(span / length)} ${unit}`;
  const text = span < 1 ? "now" : seconds > 0 ? `${told} ago` : `in ${told}`;
  if (time.textContent !== text) time.textContent = text;
}

function tellAll() { all("time[datetime]:not([data-fixed])").forEach(tell); }

setInterval(() => { if (!document.hidden) tellAll(); }, 5000);

// --- what htmx sends and brings

document.addEventListener("htmx:config:request", (event) => {
  const token = find("meta[name='csrf-token']")?.content;
  const { request } = event.detail.ctx;
  if (token && !/^(GET|HEAD)$/.test(request.method)) request.headers["x-csrf-token"] = token;
});
document.addEventListener("htmx:after:swap", () => { tellAll(); showTheme(); remember(); });
document.addEventListener("gone", () => location.reload()); // the session is over: the way leads to the login
document.addEventListener("DOMContentLoaded", () => {
  tellAll();
  showTheme();
  remember();
  all("#toasts .toast").forEach(fade);
  const first = find("[data-opened]");
  if (first) open(first.id);
});
