// Names for screen readers that Gradio leaves out: of the pictures to choose from, and the place that tells what happened.
//
// The body of a function that runs once, when the page is there.
function name() {
    for (const gallery of document.querySelectorAll('#persons, #poses')) {
        for (const button of gallery.querySelectorAll('button.thumbnail-item')) {
            const image = button.querySelector('img'), caption = button.querySelector('.caption-label');
            const words = `${gallery.id === 'persons' ? 'Person' : 'Pose'} ${caption ? caption.textContent.trim() : ''}`;
            if (button.getAttribute('aria-label') !== words) button.setAttribute('aria-label', words);
            if (image && image.alt) image.alt = '';  // the button says it
            const isChosen = String(button.classList.contains('selected'));
            if (button.getAttribute('aria-pressed') !== isChosen) button.setAttribute('aria-pressed', isChosen);
        }
    }
    const message = document.querySelector('#message');
    if (message && !message.hasAttribute('aria-live')) {
        message.setAttribute('role', 'status');
        message.setAttribute('aria-live', 'polite');
    }
}
new MutationObserver(name).observe(document.body, {childList: true, subtree: true, attributes: true,
                                                   attributeFilter: ['class']});
name();
