(() => {
  "use strict";
  // A cell's number if it has one, else its words; null where nothing was measured.
  const keyOf = (cell) => {
    if ("order" in cell.dataset) return Number(cell.dataset.order);
    return cell.querySelector(".absent") ? null : cell.textContent;
  };
  const compared = (a, b) =>
    typeof a === "number" && typeof b === "number"
      ? a - b
      : String(a).localeCompare(String(b), "en", { numeric: true });

  for (const table of document.querySelectorAll("table.sortable")) {
    const body = table.tBodies[0];
    const rows = [...body.rows];
    const headings = [...table.tHead.rows[0].cells];
    const sort = (place, sign) => {
      const keys = new Map(rows.map((row) => [row, keyOf(row.cells[place])]));
      const order = (one, other) => {
        const a = keys.get(one);
        const b = keys.get(other);
        if (a === null || b === null) return (a === null) - (b === null);
        return sign * compared(a, b);
      };
      body.append(...[...rows].sort(order));
    };
    headings.forEach((heading, place) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...heading.childNodes);
      heading.append(button);
      button.addEventListener("click", () => {
        const up = heading.getAttribute("aria-sort") !== "ascending";
        for (const each of headings) each.removeAttribute("aria-sort");
        heading.setAttribute("aria-sort", up ? "ascending" : "descending");
        sort(place, up ? 1 : -1);
      });
    });
  }
})();
