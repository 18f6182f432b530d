"use strict";
// Shows only hosts and instances that hold all the words typed, or written behind `#search=` in the address.
const field = document.getElementById("search");
const found = document.getElementById("found");
const boxes = [...document.querySelectorAll(".host"), ...document.querySelectorAll(".apart .chip")];
const places = [...document.querySelectorAll(".place")];

function show() {
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  const text = (element) => element.textContent.toLowerCase();
  let count = 0;
  for (const box of boxes) {
    box.hidden = !words.every((word) => text(box).includes(word));
    if (!box.hidden) count += Math.max(1, box.querySelectorAll(".chip").length);
  }
  for (const place of places) place.hidden = !place.querySelector(".host:not([hidden])");
  for (const chip of document.querySelectorAll(".host .chip"))
    chip.classList.toggle("hit", words.some((word) => text(chip).includes(word)));
  found.textContent = words.length ? `${count} shown` : "";
}

const asked = new URLSearchParams(location.hash.slice(1)).get("search");
if (asked) field.value = asked;
field.closest(".search").hidden = false;
field.addEventListener("input", show);
show();
