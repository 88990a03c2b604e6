// The forms beside criteria in Formgrader: sends a person's decision, and shows the verdict as it is then.
"use strict";

document.querySelectorAll(".marking-decide form").forEach((form) => {
    const head = document.querySelector(".marking-head");
    const status = form.querySelector("output");
    // Formgrader takes Tab and Enter for its own boxes.
    form.addEventListener("keydown", (event) => event.stopPropagation());
    form.addEventListener("submit", async (event) => {
        event.preventDefault();
        const token = document.cookie.match(/\b_xsrf=([^;]*)/);
        let told = {};
        try {
            const answer = await fetch(head.dataset.url, {
                method: "POST",
                headers: {"Content-Type": "application/json", "X-XSRFToken": token ? token[1] : ""},
                body: JSON.stringify({
                    check: form.dataset.check,
                    criterion: form.dataset.criterion,
                    points: form.elements.points.value,
                    reason: form.elements.reason.value,
                }),
            });
            told = await answer.json();
        } catch (error) {
            told = {};
        }
        status.textContent = told.message || head.dataset.failed;
        if (told.html === undefined) {
            return;
        }
        document.querySelectorAll(`.marking-panel[data-check="${form.dataset.check}"]`).forEach((panel) => {
            panel.innerHTML = told.html; // made by the server, which escapes what a student wrote
        });
        const score = document.getElementById(form.dataset.check);
        if (score) {
            score.placeholder = told.score;
        }
    });
});
