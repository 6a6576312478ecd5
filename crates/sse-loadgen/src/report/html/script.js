// Shows in one line under a chart what the pointer rests on. Every reading is in the chart as a title as well.
for (const chart of document.querySelectorAll("svg.chart")) {
  const readout = chart.closest("figure").querySelector(".readout");
  chart.addEventListener("pointerover", (event) => {
    const hit = event.target.closest(".hit");
    readout.textContent = hit ? hit.querySelector("title").textContent : "";
  });
  chart.addEventListener("pointerleave", () => {
    readout.textContent = "";
  });
}
