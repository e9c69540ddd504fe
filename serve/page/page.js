// Sends a form's row to the server and shows the answer.
for (const form of document.querySelectorAll("form")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const row = {};
    for (const input of form.querySelectorAll("input")) {
      row[input.name] = input.value.trim() === "" ? null : input.value;
    }
    const answer = await fetch("predict?model=" + encodeURIComponent(form.dataset.model), {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(row),
    }).then((r) => r.json(), (error) => ({ error: String(error) }));
    form.querySelector("output").textContent = answer.error || JSON.stringify(answer, null, 2);
  });
}
