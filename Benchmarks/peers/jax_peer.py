"""The JAX side of the benchmark: everything under jit."""
import common
import jax
import jax.numpy as jnp

ACTIVATIONS = {"relu": jax.nn.relu, "sigmoid": jax.nn.sigmoid}


def normalized(x, scale, shift):
    mean = x.mean(0)
    variance = ((x - mean) ** 2).mean(0)
    return (x - mean) * jax.lax.rsqrt(variance + 1e-5) * scale + shift, mean, variance


def parameters(widths):
    ws = [jnp.asarray(w.T) for w in common.weights(widths)]
    hidden = widths[1:-1]
    return {"w": ws, "scale": [jnp.ones(n) for n in hidden], "shift": [jnp.zeros(n) for n in hidden],
            "bias": jnp.zeros(widths[-1])}


def statistics(widths):
    return [(jnp.zeros(n), jnp.ones(n)) for n in widths[1:-1]]


def steps(widths, activation, rows, normalization, precision):
    """With norms and in float32 alone."""
    widths, rows = common.integers(widths), int(rows)
    x, labels = common.batch(rows, widths[0], widths[-1])
    x, labels = jnp.asarray(x), jnp.asarray(labels)
    activate = ACTIVATIONS[activation]

    def loss_of(p, running, x, labels):
        fresh = []
        for w, scale, shift, (mean, variance) in zip(p["w"], p["scale"], p["shift"], running):
            x, batch_mean, batch_variance = normalized(x @ w, scale, shift)
            fresh.append((0.9 * mean + 0.1 * batch_mean, 0.9 * variance + 0.1 * batch_variance * rows / (rows - 1)))
            x = activate(x)
        logits = jax.nn.log_softmax(x @ p["w"][-1] + p["bias"])
        return -jnp.take_along_axis(logits, labels[:, None], 1).mean(), fresh

    @jax.jit
    def step(p, velocity, running, x, labels, rate):
        (loss, running), gradient = jax.value_and_grad(loss_of, has_aux=True)(p, running, x, labels)
        velocity = jax.tree.map(lambda v, g: 0.9 * v + g, velocity, gradient)
        return jax.tree.map(lambda p, v: p - rate * v, p, velocity), velocity, running, loss

    p = parameters(widths)
    state = [p, jax.tree.map(jnp.zeros_like, p), statistics(widths)]
    rate = [0.01]

    def body():
        *state[:], loss = step(*state, x, labels, rate[0])
        return loss.block_until_ready()

    check = [float(body()) for _ in range(5)]
    rate[0] = 1e-6
    return check, body


def layer(rows, features):
    rows, features = int(rows), int(features)
    x, dy = (jnp.asarray(a) for a in common.layer_input(rows, features))

    @jax.jit
    def run(x, scale, shift, mean, variance, dy):
        def forward(x, scale, shift):
            y, batch_mean, batch_variance = normalized(x, scale, shift)
            return jax.nn.relu(y), (batch_mean, batch_variance)

        y, backward, (batch_mean, batch_variance) = jax.vjp(forward, x, scale, shift, has_aux=True)
        return (y, 0.9 * mean + 0.1 * batch_mean, 0.9 * variance + 0.1 * batch_variance, *backward(dy))

    ones, zeros = jnp.ones(features), jnp.zeros(features)

    def body():
        return jax.block_until_ready(run(x, ones, zeros, zeros, ones, dy))

    _, _, _, dx, dscale, _ = body()
    return [float((dx.astype("float32") ** 2).sum(dtype="float32")), float(jnp.abs(dscale).sum())], body


def prediction(widths, activation):
    widths = common.integers(widths)
    p, running = parameters(widths), statistics(widths)
    x = jnp.asarray(common.numbers(1_000_003, widths[0]).reshape(1, -1))

    @jax.jit
    def run(p, running, x):
        for w, scale, shift, (mean, variance) in zip(p["w"], p["scale"], p["shift"], running):
            x = ACTIVATIONS[activation]((x @ w - mean) * jax.lax.rsqrt(variance + 1e-5) * scale + shift)
        return x @ p["w"][-1] + p["bias"]

    def body():
        return run(p, running, x).block_until_ready()

    return [float(v) for v in body()[0]], body


common.serve(step=steps, layer=layer, predict=prediction)
