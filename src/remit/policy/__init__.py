"""How freely may it act? Contracts and org policies, compiled to Cedar."""
