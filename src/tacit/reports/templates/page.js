(() => {
  "use strict";
  const root = document.documentElement;
  const theme = document.querySelector("#theme");
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : prefersDark.matches);
  const name = () => { theme.textContent = isDark() ? "Light" : "Dark"; };
  theme.hidden = false;
  theme.addEventListener("click", () => { root.dataset.theme = isDark() ? "light" : "dark"; name(); });
  prefersDark.addEventListener("change", name);
  name();

  const openTarget = () => {
    const target = location.hash && document.getElementById(location.hash.slice(1));
    if (target && target.hidden) { target.hidden = false; target.scrollIntoView(); }
  };
  addEventListener("hashchange", openTarget);

  for (const block of document.querySelectorAll("[data-features]")) {
    const find = block.querySelector(".find");
    const label = block.querySelector(".by-label");
    const order = block.querySelector(".order");
    const open = block.querySelector(".open");
    const list = block.querySelector(".cards");
    const cards = [...list.children];
    const words = new Map();
    const wordsOf = (card) => {
      if (!words.has(card)) words.set(card, card.textContent.toLowerCase());
      return words.get(card);
    };
    const show = () => {
      const sought = find.value.trim().toLowerCase();
      const isNumber = cards.some((card) => card.dataset.feature === sought);
      const has = (card) => (isNumber ? card.dataset.feature === sought : wordsOf(card).includes(sought));
      let shown = 0;
      for (const card of cards) {
        const fits = (!label.value || card.dataset.label === label.value) && (!sought || has(card));
        card.hidden = !fits;
        shown += fits;
      }
      block.querySelector(".count").textContent = `${shown} of ${cards.length} features`;
    };
    const sort = () => {
      const key = order.value;
      const up = key === "place" || key === "feature" ? 1 : -1;
      cards.sort((a, b) => up * (a.dataset[key] - b.dataset[key]) || a.dataset.place - b.dataset.place);
      list.append(...cards);
    };
    find.addEventListener("input", show);
    label.addEventListener("change", show);
    order.addEventListener("change", sort);
    open.addEventListener("click", () => {
      const closing = open.dataset.done === "yes";
      for (const one of list.querySelectorAll("details")) one.open = !closing;
      open.dataset.done = closing ? "" : "yes";
      open.textContent = closing ? "Open all contexts" : "Close all contexts";
    });
    block.querySelector(".tools").hidden = false;
    show();
  }
})();
