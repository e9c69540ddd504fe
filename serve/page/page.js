// Sends a form's row to the server and shows the answer.
for (const form of document.querySelectorAll("form")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const row = {};
    for (const input of form.querySelectorAll("input[data-kind]")) {
      row[input.name] = input.value.trim() === "" ? null : input.value;
    }
    const query = new URLSearchParams({ model: form.dataset.model });
    for (const box of form.querySelectorAll("[name=more]:checked")) {
      query.set(box.value, box.value === "reasons" ? "true" : form.querySelector("[name=level]").value);
    }
    const answer = await fetch("predict?" + query, {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(row),
    }).then((r) => r.json(), (error) => ({ error: String(error) }));
    form.querySelector("output").textContent = answer.error || JSON.stringify(answer, null, 2);
  });
}
