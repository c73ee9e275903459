// The joints of the pose, to be dragged on the picture: lines on a canvas, and a button for each joint.
//
// The body of a function of `element`, the bar below the picture, and `trigger`, which tells the server. What is drawn
// while a joint is dragged follows the rules of repose_tf/pose_edits.py (dragged, tilted); the server has the last word,
// and its pose comes back with the picture.
const bar = element.querySelector('.joints-bar');
const rules = JSON.parse(bar.dataset.joints);
const slider = bar.querySelector('input[type=range]');
const label = bar.querySelector('.depth-label');
const shown = bar.querySelector('input[type=checkbox]');
const COLOURS = {left: '#ff8c00', right: '#00aaff', middle: '#e6e6e6'};  // as in experiments/pictures/drawing.py
const STEP = 0.02;  // of the picture, by an arrow key
const TILT_STEP = 5, REST_MS = 400;  // by the wheel and PageUp; after which keys and the wheel are told to the server

let pose = [], size = 1, served = '', chosen = -1, drag = null, waiting = null, focusAgain = -1;

const minus = (a, b) => a.map((value, axis) => value - b[axis]);
const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
const degrees = (radians) => radians * 180 / Math.PI;
const boneOf = (from, joint) => minus(from[joint], from[rules.swings[joint].pivot]);

function pointed(from, joint, direction) {
    const {pivot, moved} = rules.swings[joint];
    const bone = boneOf(from, joint), along = dot(bone, direction);
    let axis = cross(bone, direction), length = Math.hypot(...axis), angle = Math.atan2(length, along);
    if (along < 0 && length < 1e-6 * -along) {
        const least = bone.map(Math.abs).indexOf(Math.min(...bone.map(Math.abs)));
        axis = cross(bone, [0, 1, 2].map((one) => Number(one === least)));
        length = Math.hypot(...axis);
        angle = Math.PI;
    }
    if (length < 1e-6) return from;
    axis = axis.map((value) => value / length);
    const turned = (point) => {
        const arm = minus(point, from[pivot]), part = dot(arm, axis), side = cross(axis, arm);
        return arm.map((value, at) => from[pivot][at] + axis[at] * part
            + Math.cos(angle) * (value - axis[at] * part) + Math.sin(angle) * side[at]);
    };
    return from.map((point, index) => moved.includes(index) ? turned(point) : point);
}

function dragged(from, joint, x, y) {
    if (!rules.swings[joint]) {
        const [dx, dy] = [x - from[joint][0], y - from[joint][1]];
        return from.map(([px, py, pz]) => [px + dx, py + dy, pz]);
    }
    const pivot = from[rules.swings[joint].pivot], bone = boneOf(from, joint);
    const [dx, dy] = [x - pivot[0], y - pivot[1]];
    const depth = Math.sqrt(Math.max(0, dot(bone, bone) - dx * dx - dy * dy));
    return pointed(from, joint, [dx, dy, bone[2] > 0 ? depth : -depth]);
}

function tilted(from, joint, tilt) {
    const [x, y] = boneOf(from, joint), across = Math.hypot(x, y), angle = tilt * Math.PI / 180;
    const [dx, dy] = across > 1e-6 ? [x / across, y / across] : [0, 1];
    return pointed(from, joint, [Math.cos(angle) * dx, Math.cos(angle) * dy, Math.sin(angle)]);
}

function tiltOf(joint) {
    const bone = boneOf(pose, joint), length = Math.hypot(...bone);
    return length ? degrees(Math.asin(Math.max(-1, Math.min(1, bone[2] / length)))) : 0;
}

// ---- what is seen
const overlay = document.createElement('div');
overlay.className = 'joints';
overlay.setAttribute('role', 'group');
overlay.setAttribute('aria-label', 'Joints of the pose');
const canvas = overlay.appendChild(document.createElement('canvas'));
canvas.setAttribute('aria-hidden', 'true');
const sideOf = (joint) => (/^(left|right) /.exec(rules.words[joint]) || ['', 'middle'])[1];
const buttons = rules.names.map((name, index) => {
    const button = overlay.appendChild(document.createElement('button'));
    button.type = 'button';
    button.className = `joint ${sideOf(index)}${/nose|eye|ear/.test(name) ? ' small' : ''}`;
    button.dataset.joint = name;
    button.title = rules.words[index];
    button.setAttribute('aria-label', rules.words[index]);
    button.setAttribute('aria-describedby', 'joints-hint');
    return button;
});

function draw() {
    const side = overlay.clientWidth, dense = window.devicePixelRatio || 1;
    buttons.forEach((button, index) => {
        button.style.left = `${100 * pose[index][0] / size}%`;
        button.style.top = `${100 * pose[index][1] / size}%`;
        button.setAttribute('aria-pressed', index === chosen);
    });
    canvas.width = canvas.height = Math.round(side * dense);
    const pen = canvas.getContext('2d');
    pen.scale(side * dense / size, side * dense / size);
    pen.lineCap = 'round';
    const depth = ([first, second]) => pose[first][2] + pose[second][2];
    for (const [first, second] of [...rules.bones].sort((a, b) => depth(b) - depth(a))) {
        const sides = [first, second].map(sideOf);
        for (const [colour, width] of [['#141414', 5], [COLOURS[sides.find((one) => one !== 'middle') || 'middle'], 3]]) {
            pen.strokeStyle = colour;
            pen.lineWidth = width * size / Math.max(side, 1);
            pen.beginPath();
            pen.moveTo(pose[first][0], pose[first][1]);
            pen.lineTo(pose[second][0], pose[second][1]);
            pen.stroke();
        }
    }
    const can = chosen >= 0 && rules.swings[chosen];
    slider.disabled = !can;
    label.textContent = chosen < 0 ? 'Depth: choose a joint' : can ? `Depth of the ${rules.words[chosen]}`
        : `The ${rules.words[chosen]} moves the whole person`;
    slider.setAttribute('aria-label', label.textContent);
    if (can && document.activeElement !== slider) slider.value = tiltOf(chosen);
}

function refresh() {
    const figure = document.querySelector('#result'), frame = figure && figure.querySelector('.frame');
    if (!frame) return;
    const isRefused = served === figure.dataset.pose && isNewError();
    if (served !== figure.dataset.pose || isRefused) {
        served = figure.dataset.pose;
        pose = JSON.parse(served);
        size = Number(figure.dataset.size);
        if (drag) [drag.start, drag.moved] = [pose, true];
        waiting = null;
        draw();
    }
    if (overlay.parentNode !== frame) {
        frame.append(overlay);
        if (focusAgain >= 0 && document.activeElement === document.body) buttons[focusAgain].focus({preventScroll: true});
        draw();
    }
}

let lastError = '';
function isNewError() {
    const error = document.querySelector('#message .message.error'), number = error ? error.dataset.number : '';
    const isNew = number !== '' && number !== lastError;
    lastError = number;
    return isNew;
}

// ---- what is done
const tell = (move) => trigger('input', {move});
const place = (event) => {
    const box = overlay.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width * size, (event.clientY - box.top) / box.height * size];
};

function choose(joint) {
    if (waiting && waiting.joint !== joint) flush();
    chosen = joint;
    draw();
}

function take(joint) {
    choose(joint);
    focusAgain = joint;  // also where the picture is exchanged
    buttons[joint].focus({preventScroll: true});
}

// Keys and the wheel make many small steps from one pose, which are told as one.
function wait(joint, change) {
    if (waiting && ('tilt' in waiting) !== ('tilt' in change)) flush();
    waiting = {joint, start: waiting ? waiting.start : pose, ...change};
    pose = 'tilt' in change ? tilted(waiting.start, joint, change.tilt) : dragged(waiting.start, joint, change.x, change.y);
    clearTimeout(wait.timer);
    wait.timer = setTimeout(flush, REST_MS);
    draw();
}

function flush() {
    clearTimeout(wait.timer);
    if (!waiting) return;
    const {joint, tilt, x, y} = waiting;
    waiting = null;
    tell({joint: rules.names[joint], ...(tilt === undefined ? {x, y} : {tilt_deg: tilt})});
}

const tiltBy = (joint, by) => rules.swings[joint] && wait(joint, {
    tilt: Math.max(-rules.mostTilt, Math.min(rules.mostTilt, Math.round(tiltOf(joint) + by)))});

const nearest = (at) => pose.reduce((best, [x, y], index) =>
    Math.hypot(x - at[0], y - at[1]) < Math.hypot(pose[best][0] - at[0], pose[best][1] - at[1]) ? index : best, 0);

overlay.addEventListener('pointerdown', (event) => {
    if (event.button || !event.target.closest('.joint')) return;
    event.preventDefault();
    flush();
    const at = place(event), joint = nearest(at);
    take(joint);
    drag = {joint, start: pose, grip: [pose[joint][0] - at[0], pose[joint][1] - at[1]], from: at, moved: false};
    overlay.classList.add('dragging');
});
window.addEventListener('pointermove', (event) => {
    if (!drag) return;
    const at = place(event);
    drag.to = [at[0] + drag.grip[0], at[1] + drag.grip[1]];
    drag.moved ||= Math.hypot(at[0] - drag.from[0], at[1] - drag.from[1]) > 0.005 * size;
    if (drag.moved) pose = dragged(drag.start, drag.joint, ...drag.to);
    draw();
});
function drop(isTaken) {
    if (!drag) return;
    const {joint, start, moved, to} = drag;
    drag = null;
    overlay.classList.remove('dragging');
    if (isTaken && moved && to) tell({joint: rules.names[joint], x: to[0], y: to[1]});
    else pose = start;
    draw();
}
window.addEventListener('pointerup', () => drop(true));
window.addEventListener('pointercancel', () => drop(false));
overlay.addEventListener('wheel', (event) => {
    if (drag || !event.target.closest('.joint')) return;
    event.preventDefault();
    const joint = nearest(place(event));
    take(joint);
    tiltBy(joint, event.deltaY < 0 ? TILT_STEP : -TILT_STEP);
}, {passive: false});
overlay.addEventListener('focusin', (event) => {
    const joint = buttons.indexOf(event.target);
    if (joint < 0) return;
    focusAgain = joint;
    if (joint !== chosen) choose(joint);
});
overlay.addEventListener('keydown', (event) => {
    const joint = buttons.indexOf(event.target);
    if (event.key === 'Escape') drop(false);
    if (joint < 0 || event.altKey || event.metaKey) return;
    const ways = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};
    if (event.ctrlKey && event.key === 'z') {
        flush();
        document.querySelector('#undo').click();
    } else if (!event.ctrlKey && ways[event.key]) {
        const [x, y] = pose[joint], step = STEP * size, [dx, dy] = ways[event.key];
        wait(joint, {x: x + dx * step, y: y + dy * step});
    } else if (event.key === 'PageUp' || event.key === 'PageDown') {
        tiltBy(joint, event.key === 'PageUp' ? TILT_STEP : -TILT_STEP);
    } else return;
    event.preventDefault();
});
overlay.addEventListener('focusout', () => { if (document.activeElement !== document.body) focusAgain = -1; });
slider.addEventListener('input', () => wait(chosen, {tilt: Number(slider.value)}));
shown.addEventListener('change', () => { overlay.hidden = !shown.checked; });

new MutationObserver(refresh).observe(document.body, {childList: true, subtree: true, attributes: true,
                                                      attributeFilter: ['data-pose', 'data-number']});
new ResizeObserver(() => pose.length && draw()).observe(overlay);
refresh();
